"""Makes a mail's parts out of figures: HTML with inlined styles, plain text, charts, CSV."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracemart.report import sentences
from tracemart.report.charts import Chart, weekly_charts
from tracemart.report.figures import Line, Totals, WeeklyFigures
from tracemart.report.queries import weekly_figures
from tracemart.report.table import week_as_csv
from tracemart.report.week import Week
from tracemart.report.wording import change, change_of, compact, count, difference, milliseconds, money, percent
from tracemart.settings import Settings

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
TITLE = "What our LLM applications cost"


@dataclass(frozen=True)
class Report:
    """A mail without its address. `html` names charts as `cid:<chart.cid>`."""

    figures: WeeklyFigures
    subject: str
    html: str
    text: str
    charts: tuple[Chart, ...]
    csv_name: str
    csv: bytes

    @property
    def week(self) -> Week:
        return self.figures.week


def render_weekly(settings: Settings, week: Week | None = None) -> Report:
    """The report of a week, by default the last complete one before `settings.now()`; nothing is sent.

    If all data is newer than that week, the report is of the running week. Raises ReportError where the marts are
    missing or the week has no usage, WarehouseError.
    """
    figures = weekly_figures(settings, week)
    charts = weekly_charts(figures)
    csv_name = f"tracemart-{figures.week.name}.csv"
    content = {
        "title": TITLE,
        "figures": figures,
        "headline": sentences.headline(figures),
        "coverage": sentences.coverage(figures),
        "comparison": sentences.comparison(figures),
        "outlook": sentences.outlook_sentences(figures),
        "anomalies": [
            {"severity": anomaly.severity, "sentence": sentences.anomaly_sentence(anomaly)}
            for anomaly in sentences.told_anomalies(figures)[: sentences.ANOMALIES_SHOWN]
        ],
        "no_anomalies": sentences.no_anomalies(figures),
        "anomalies_left_out": sentences.anomalies_left_out(figures),
        "headline_figures": headline_figures(figures),
        "rankings": rankings(figures),
        "trust": sentences.trust_sentences(figures),
        "charts": {chart.cid: chart for chart in charts},
        "csv_name": csv_name,
        "dashboards_url": settings.superset_url,
        "timezone": settings.timezone,
    }
    return Report(
        figures=figures,
        subject=subject(figures),
        html=inlined(templates().get_template("weekly.html.j2").render(content)),
        text=templates().get_template("weekly.txt.j2").render(content),
        charts=charts,
        csv_name=csv_name,
        csv=week_as_csv(settings, figures.week),
    )


def subject(figures: WeeklyFigures) -> str:
    totals = figures.totals
    amount = money(totals.cost_usd) if figures.has_cost else f"{compact(totals.calls)} calls"
    share = change_of(totals.cost_usd, figures.before.cost_usd) if figures.before else None
    moved = f" ({change(share)})" if share is not None else ""
    return f"LLM costs of week {figures.week.name}: {amount}{moved}"


@cache
def templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def inlined(html: str) -> str:
    """Styles moved into their elements, as mail clients want them; only the rules for phones stay in the head."""
    import css_inline

    inliner = css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)
    return inliner.inline(html)


def headline_figures(figures: WeeklyFigures) -> list[dict[str, str]]:
    """Label, value, change and mood (`better`, `worse` or empty) of the six figures on top."""
    now, before = figures.totals, figures.before

    def entry(label: str, value: str, name: str, wanted: int, unit: str = "%") -> dict[str, str]:
        new, old = number(now, name), number(before, name) if before else None
        if new is None or old is None or (unit == "%" and old == 0):
            return {"label": label, "value": value, "change": "", "mood": ""}
        moved = change(change_of(new, old)) if unit == "%" else difference(Decimal(new) - Decimal(old), unit)
        is_wanted = (new > old) == (wanted > 0)
        mood = "" if not wanted or moved == "no change" else "better" if is_wanted else "worse"
        return {"label": label, "value": value, "change": moved, "mood": mood}

    quality = NONE_SCORED if now.quality is None else f"{now.quality:.2f}"
    return [
        entry("Cost", money(now.cost_usd), "cost_usd", -1),
        entry("Calls", count(now.calls), "calls", 0),
        entry("Tokens", compact(now.tokens), "tokens", 0),
        entry("Cost a call", money(now.cost_per_call_usd), "cost_per_call_usd", -1),
        entry("Error rate", percent(now.error_rate), "error_rate", -1, "points"),
        entry("Quality, 0 to 1", quality, "quality", 1, ""),
    ]


NONE_SCORED = "not scored"


def number(totals: Totals | None, name: str) -> Decimal | int | None:
    value: Decimal | int | None = getattr(totals, name)
    return value


def rankings(figures: WeeklyFigures) -> list[dict[str, Any]]:
    """Departments, agents and models with what their tables show."""
    amount = "Cost" if figures.has_cost else "Calls"

    def ranking(title: str, what: str, chart: str, lines: tuple[Line, ...]) -> dict[str, Any]:
        return {
            "title": title,
            "what": what,
            "chart": chart,
            "amount": amount,
            "has_latency": any(line.p50_latency_ms is not None for line in lines),
            "has_quality": any(line.quality is not None for line in lines),
            "has_change": figures.before is not None,
            "note": sentences.nothing_attributed(lines, what.lower()),
            "lines": [shown(line, figures.has_cost) for line in lines],
        }

    return [
        ranking(f"{amount} by department", "Department", "departments", figures.departments),
        ranking(f"{amount} by agent", "Agent", "agents", figures.agents),
        ranking(f"{amount} by model", "Model", "models", figures.models),
    ]


def shown(line: Line, has_cost: bool) -> dict[str, str]:
    moved = "new" if line.is_new else change(line.change) if line.before_usd is not None else ""
    return {
        "name": line.name,
        "amount": money(line.cost_usd) if has_cost else count(line.calls),
        "share": percent(line.share),
        "change": moved,
        "cost_per_call": money(line.cost_per_call_usd),
        "latency": milliseconds(line.p50_latency_ms),
        "quality": "–" if line.quality is None else f"{line.quality:.2f}",
    }
