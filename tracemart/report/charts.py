"""Charts of the weekly report as PNG at twice the size they are shown in, each with words for those who do not see it.

Money becomes a float here and only here: a pixel has no cents.
"""

import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tracemart.report.chart_labels import INK, name_points
from tracemart.report.figures import Hour, Line, WeeklyFigures
from tracemart.report.week import short_date
from tracemart.report.wording import compact, milliseconds, money, percent

WIDTH_PIXELS = 592
SCALE = 2
DOTS_PER_INCH = 100
BLUE, PALE_BLUE, RED, GREY, RULE = "#1d4ed8", "#c7d7fb", "#c2410c", "#6b7280", "#e5e7eb"


@dataclass(frozen=True)
class Chart:
    """`cid` names it in the HTML; `width` and `height` are the pixels it is shown in."""

    cid: str
    title: str
    alt: str
    png: bytes
    width: int
    height: int


def weekly_charts(figures: WeeklyFigures) -> tuple[Chart, ...]:
    """Daily cost, cost by department, models compared; those that would show a single value are left out."""
    makers = [daily_chart, department_chart, model_chart]
    return tuple(chart for chart in (make(figures) for make in makers) if chart is not None)


def daily_chart(figures: WeeklyFigures) -> Chart | None:
    """Cost a day of eight weeks, its anomalies marked, and the forecast with its 80 % band; the week is shaded."""
    if figures.hours:
        return hourly_chart(figures)
    with_cost = figures.has_cost
    values = [float(day.cost_usd) if with_cost else float(day.calls) for day in figures.history]
    dates = [day.usage_date for day in figures.history]
    outlook = figures.outlook if with_cost and figures.outlook and figures.outlook.origin_date == dates[-1] else None
    unusual = set(figures.unusual_days if with_cost else ())

    def draw(axes: Any) -> None:
        from matplotlib import dates as mdates

        axes.axvspan(
            figures.week.first_day - timedelta(hours=12),
            figures.week.last_day + timedelta(hours=12),
            color="#f1f5f9",
            zorder=0,
            linewidth=0,
        )
        axes.plot(dates, values, color=BLUE, linewidth=2, label="Cost a day" if with_cost else "Calls a day", zorder=3)
        if outlook:
            ahead = [day.forecast_date for day in outlook.days]
            axes.fill_between(
                ahead,
                [max(float(day.lower_80), 0) for day in outlook.days],
                [float(day.upper_80) for day in outlook.days],
                color=PALE_BLUE,
                linewidth=0,
                label="Forecast, 80 % range",
                zorder=1,
            )
            axes.plot(ahead, [float(day.expected) for day in outlook.days], color=BLUE, linewidth=1.5, linestyle="--")
        marked = [(day, value) for day, value in zip(dates, values, strict=True) if day in unusual]
        if marked:
            axes.scatter(
                *zip(*marked, strict=True), color=RED, s=48, zorder=4, edgecolors="white", linewidths=1, label="Anomaly"
            )
        axes.set_ylim(bottom=0)
        last = outlook.days[-1].forecast_date if outlook else dates[-1]
        axes.set_xticks(ticks(dates[0], last, figures.week.first_day))
        axes.xaxis.set_major_formatter(mdates.DateFormatter("%-d %b"))  # type: ignore[no-untyped-call]
        axes.yaxis.set_major_formatter(axis_money if with_cost else axis_count)
        axes.grid(axis="y", color=RULE, linewidth=0.8)
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, frameon=False, fontsize=10, handlelength=1.4,
            columnspacing=1.4, borderaxespad=0.2,
        )  # fmt: skip

    highest = max(range(len(values)), key=values.__getitem__)
    peak = money(figures.history[highest].cost_usd) if with_cost else f"{figures.history[highest].calls:,} calls"
    alt = f"Line chart of {len(dates)} days to {short_date(dates[-1])}; highest on {short_date(dates[highest])}: {peak}"
    if unusual:
        alt += f"; anomalies marked on {', '.join(short_date(day) for day in sorted(unusual))}"
    if outlook:
        alt += (
            f"; then a forecast of {len(outlook.days)} days, together {money(outlook.expected_usd)}"
            f" between {money(outlook.lower_usd)} and {money(outlook.upper_usd)}"
        )
    title = "Cost a day, and what is to be expected" if outlook else "Cost a day" if with_cost else "Calls a day"
    return picture("daily-cost", title, f"{alt}.", 280, draw)


def hourly_chart(figures: WeeklyFigures) -> Chart | None:
    """Bars by hour, for data of a day or two."""
    with_cost, hours = figures.has_cost, figures.hours
    what = "Cost an hour" if with_cost else "Calls an hour"

    def words(hour: Hour) -> str:
        return money(hour.cost_usd) if with_cost else f"{hour.calls:,} calls"

    def draw(axes: Any) -> None:
        values = [float(hour.cost_usd) if with_cost else float(hour.calls) for hour in hours]
        bars = axes.bar(range(len(hours)), values, color=BLUE, width=0.62)
        if len(hours) <= 8:
            axes.bar_label(bars, labels=[words(hour) for hour in hours], padding=4, fontsize=10.5, color=INK)
        step = max(1, round(len(hours) / 8))
        axes.set_xticks(range(0, len(hours), step), [f"{hour.usage_hour:%H:%M}" for hour in hours[::step]])
        axes.set_xlim(-max(1.0, 3 - len(hours) / 2), len(hours) - 1 + max(1.0, 3 - len(hours) / 2))
        axes.set_ylim(0, max(values) * 1.15)
        axes.yaxis.set_major_formatter(axis_money if with_cost else axis_count)
        axes.grid(axis="y", color=RULE, linewidth=0.8)

    first, last = hours[0].usage_hour, hours[-1].usage_hour
    peak = max(hours, key=lambda hour: (hour.cost_usd, hour.calls))
    alt = (
        f"Bar chart of {len(hours)} hours from {short_date(first.date())} {first:%H:%M}"
        f" to {short_date(last.date())} {last:%H:%M}; highest at {peak.usage_hour:%H:%M}: {words(peak)}."
    )
    return picture("daily-cost", f"{what}, {short_date(first.date())}", alt, 220, draw)


def ticks(first: date, last: date, monday: date) -> list[date]:
    """Some seven days from first to last; Mondays where there are weeks enough."""
    span = (last - first).days
    step = 7 * max(1, round(span / 49)) if span > 21 else max(1, round(span / 7))
    start = monday - timedelta(days=(monday - first).days // step * step)
    return [start + timedelta(days=days) for days in range(0, (last - start).days + 1, step)]


def department_chart(figures: WeeklyFigures) -> Chart | None:
    """Bars by department, the greatest on top."""
    lines = figures.departments
    if len(lines) < 2:
        return None
    what = "Cost by department" if figures.has_cost else "Calls by department"

    def draw(axes: Any) -> None:
        names = [shortened(line.name) for line in lines]
        values = [float(line.cost_usd) if figures.has_cost else float(line.calls) for line in lines]
        bars = axes.barh(range(len(lines)), values, color=BLUE, height=0.62)
        axes.bar_label(
            bars,
            labels=[f"{amount_text(figures, line)}  ({percent(line.share)})" for line in lines],
            padding=6,
            fontsize=10.5,
            color=INK,
        )
        axes.set_yticks(range(len(lines)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, max(values) * 1.38)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="y", length=0, labelcolor=INK)

    alt = "; ".join(f"{line.name} {amount_text(figures, line)}, {percent(line.share)}" for line in lines)
    return picture("departments", what, f"Bar chart: {alt}.", 70 + 34 * len(lines), draw)


def model_chart(figures: WeeklyFigures) -> Chart | None:
    """Cost a call of each model against its quality, or against its median latency where quality is not scored."""
    scored = [line for line in figures.models if line.quality is not None and line.cost_per_call_usd]
    timed = [line for line in figures.models if line.p50_latency_ms is not None and line.cost_per_call_usd]
    lines, with_quality = (scored, True) if len(scored) >= 2 else (timed, False)
    if len(lines) < 2 or not figures.has_cost:
        return None

    def draw(axes: Any) -> None:
        from matplotlib.ticker import LogLocator

        costs = [float(line.cost_per_call_usd or 0) for line in lines]
        heights = [float((line.quality if with_quality else line.p50_latency_ms) or 0) for line in lines]
        total = float(sum(line.cost_usd for line in lines)) or 1.0
        sizes = [60 + 900 * float(line.cost_usd) / total for line in lines]
        axes.scatter(costs, heights, s=sizes, color=BLUE, alpha=0.55, linewidths=0, zorder=3)
        axes.set_xscale("log")
        axes.margins(x=0.16, y=0.34)
        if axes.get_xlim()[1] / axes.get_xlim()[0] < 10:
            axes.set_xlim(min(costs) / 3, max(costs) * 3)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(axis_money)
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.set_xlabel("Cost a call (logarithmic)", color=GREY)
        axes.set_ylabel("Quality, 0 to 1" if with_quality else "Median latency", color=GREY)
        if not with_quality:
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_formatter(lambda value, _: milliseconds(Decimal(str(value))))
        axes.grid(color=RULE, linewidth=0.8)
        axes.spines["bottom"].set_visible(False)
        axes.figure.draw_without_rendering()
        name_points(axes, [shortened(line.name) for line in lines], costs, heights, sizes)

    def words(line: Line) -> str:
        seen = f"quality {line.quality:.2f}" if with_quality else f"median {milliseconds(line.p50_latency_ms)}"
        return f"{line.name} {money(line.cost_per_call_usd)} a call, {seen}"

    title = "Models: quality against cost" if with_quality else "Models: latency against cost"
    return picture("models", title, f"Scatter chart: {'; '.join(words(line) for line in lines)}.", 300, draw)


def amount_text(figures: WeeklyFigures, line: Line) -> str:
    return money(line.cost_usd) if figures.has_cost else f"{compact(line.calls)} calls"


def shortened(name: str, limit: int = 28) -> str:
    return name if len(name) <= limit else f"{name[: limit - 1]}…"


def axis_money(value: float, _: object) -> str:
    if abs(value) >= 1000:
        return f"${compact(Decimal(str(value)))}"
    whole, _, digits = money(Decimal(str(round(value, 10)))).partition(".")
    digits = digits.rstrip("0")
    return f"{whole}.{digits:0<2}" if digits else whole


def axis_count(value: float, _: object) -> str:
    return compact(Decimal(str(round(value))))


def picture(cid: str, title: str, alt: str, height: int, draw: Callable[[Any], None]) -> Chart:
    """Draws on bare axes and gives the chart. Imports matplotlib, which takes a second."""
    os.environ.setdefault("MPLCONFIGDIR", tempfile.gettempdir())
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style: Any = {
        "font.family": ["DejaVu Sans"],
        "font.size": 10.5,
        "text.parse_math": False,
        "axes.edgecolor": RULE,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "xtick.major.size": 0,
        "xtick.minor.size": 0,
        "ytick.major.size": 0,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(WIDTH_PIXELS / DOTS_PER_INCH, height / DOTS_PER_INCH), layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure.add_subplot())
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH * SCALE, facecolor="white", metadata={"Software": None})
    return Chart(cid, title, alt, buffer.getvalue(), WIDTH_PIXELS, height)
