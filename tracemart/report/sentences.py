"""The sentences of the weekly report, made from its figures."""

from collections import Counter

from tracemart.report.figures import Anomaly, Line, WeeklyFigures
from tracemart.report.week import long_date, short_date
from tracemart.report.wording import change, change_of, compact, count, listed, money, percent

METRICS = {"cost_usd": "cost", "calls": "calls"}
ANOMALIES_SHOWN = 6


def headline(figures: WeeklyFigures) -> str:
    """One or two sentences that a reader could stop after."""
    totals, before = figures.totals, figures.before
    if not figures.has_cost:
        return (
            f"{compact(totals.calls)} calls used {compact(totals.tokens)} tokens. None of them has a cost yet:"
            " give their models a price in Langfuse under Settings, Models."
        )
    sentence = f"We spent {money(totals.cost_usd)} on {count(totals.calls)} calls"
    share = change_of(totals.cost_usd, before.cost_usd) if before else None
    if share is not None and before:
        direction = "more" if share > 0 else "less"
        sentence += (
            ", as much as in the week before"
            if change(share) == "no change"
            else f", {percent(abs(share))} {direction} than in the week before ({money(before.cost_usd)})"
        )
    named = [line for line in figures.departments if line.name != "unattributed"]
    if len(figures.departments) > 1 and named:
        sentence += f". Department {named[0].name} had the greatest share, {percent(named[0].share)}"
    mover = greatest_mover(figures)
    if mover and mover.before_usd is not None:
        direction = "more" if mover.cost_usd > mover.before_usd else "less"
        sentence += f"; agent {mover.name} moved most, {money(abs(mover.cost_usd - mover.before_usd))} {direction}"
    return f"{sentence}."


def greatest_mover(figures: WeeklyFigures) -> Line | None:
    moved = [line for line in figures.agents if line.before_usd is not None and line.name != "all others"]
    if len(moved) < 2:
        return None
    return max(moved, key=lambda line: abs(line.cost_usd - (line.before_usd or 0)))


def coverage(figures: WeeklyFigures) -> str:
    """Which days the figures are of, where that is not simply the whole week."""
    if figures.first_day == figures.last_day:
        return f"The data of this week is of one day, {long_date(figures.first_day)}."
    if figures.is_partial:
        return f"The data of this week reaches from {short_date(figures.first_day)} to {short_date(figures.last_day)}."
    return ""


def comparison(figures: WeeklyFigures) -> str:
    if figures.before is None:
        return "There is no full week before to compare with."
    week = figures.week.before
    return f"Changes are against the week before, {week.span}."


def outlook_sentences(figures: WeeklyFigures) -> list[str]:
    """The next days and the end of the month with their 80 % ranges."""
    outlook = figures.outlook
    if outlook is None:
        return ["There is no forecast yet: it needs complete days of usage and a run of forecast_usage."]
    sentences = [
        f"The {len(outlook.days)} days to {long_date(outlook.days[-1].forecast_date)} should cost about"
        f" {money(outlook.expected_usd)} ({money(outlook.lower_usd)} to {money(outlook.upper_usd)})."
    ]
    if outlook.reaches_month_end:
        so_far = f", of which {money(outlook.month_so_far_usd)} is spent" if outlook.month_so_far_usd else ""
        sentences.append(
            f"{outlook.month:%B %Y} should end at about {money(outlook.month_expected_usd)}"
            f" ({money(outlook.month_lower_usd)} to {money(outlook.month_upper_usd)}){so_far}."
        )
    note = "Ranges hold at least 80 % of the outcomes."
    if outlook.is_fallback:
        note += " The history is too short for a model, so this repeats what was seen."
    return [*sentences, note]


def anomaly_sentence(anomaly: Anomaly) -> str:
    """Such as `Wed 30 Sep: the cost of agent summary-agent was $27.90, 3.2 times the expected $8.60 (…)`."""
    amount = money if anomaly.metric == "cost_usd" else count
    what = METRICS.get(anomaly.metric, anomaly.metric)
    subject = f"the total {what}" if anomaly.level == "total" else f"the {what} of {anomaly.level} {anomaly.key}"
    verb = "were" if anomaly.metric == "calls" else "was"
    if anomaly.value == 0 and anomaly.expected is not None:
        expected = amount(anomaly.expected)
        return f"{short_date(anomaly.usage_date)}: {subject} {verb} nothing, where {expected} {verb} expected."
    sentence = f"{short_date(anomaly.usage_date)}: {subject} {verb} {amount(anomaly.value)}"
    if anomaly.expected is not None and anomaly.expected > 0:
        factor = anomaly.value / anomaly.expected
        compared = (
            f"{factor:.1f} times the expected {amount(anomaly.expected)}"
            if factor >= 2
            else f"{percent(abs(factor - 1))} {'above' if factor > 1 else 'below'} the expected"
            f" {amount(anomaly.expected)}"
        )
        sentence += f", {compared}"
    if anomaly.lower is not None and anomaly.upper is not None:
        sentence += f" (usual: {amount(max(anomaly.lower, anomaly.lower * 0))} to {amount(anomaly.upper)})"
    return f"{sentence}."


def no_anomalies(figures: WeeklyFigures) -> str:
    if figures.days_judged == 0:
        return "No day of this week has been judged yet: that needs some complete days to learn from."
    return "None: every day was within its expected range."


def nothing_attributed(lines: tuple[Line, ...], what: str) -> str:
    """Said in place of a table whose only line is what could not be attributed; else empty."""
    if [line.name for line in lines] != ["unattributed"]:
        return ""
    return f"No call of this week names its {what}, so all of it is unattributed."


def told_anomalies(figures: WeeklyFigures) -> list[Anomaly]:
    """One a day and series, the gravest first: cost and calls of one agent mostly move together."""
    told: dict[tuple[object, ...], Anomaly] = {}
    for anomaly in figures.anomalies:
        told.setdefault((anomaly.usage_date, anomaly.level, anomaly.key), anomaly)
    return list(told.values())


def anomalies_left_out(figures: WeeklyFigures) -> str:
    """`And 3 more: 2 medium and 1 low.`; empty when all are shown."""
    rest = told_anomalies(figures)[ANOMALIES_SHOWN:]
    if not rest:
        return ""
    kinds = Counter(anomaly.severity for anomaly in rest)
    return f"And {len(rest)} more: {listed([f'{number} {severity}' for severity, number in kinds.items()])}."


def trust_sentences(figures: WeeklyFigures) -> list[str]:
    """How fresh the figures are, and which checks they passed."""
    through = figures.data_through_at
    sentences = [
        f"Figures through {through:%-d %B %Y, %H:%M} UTC."
        if through
        else f"Figures through {long_date(figures.last_day)}."
    ]
    checks = figures.checks
    if checks is None:
        return [*sentences, "No checks have been recorded for them."]
    if checks.passed == checks.total:
        return [*sentences, f"All {checks.total} checks passed."]
    shown = "; ".join(checks.problems[:3])
    more = f"; and {len(checks.problems) - 3} more" if len(checks.problems) > 3 else ""
    return [*sentences, f"{checks.passed} of {checks.total} checks passed. Did not hold: {shown}{more}."]
