"""What a weekly report knows: the figures of one week, of the week before, and of the days to come."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tracemart.report.week import Week
from tracemart.report.wording import change_of


@dataclass(frozen=True)
class Totals:
    """Sums over some days. cost in US dollars; quality 0 to 1, the mean over scored traces."""

    calls: int
    errors: int
    tokens: int
    cost_usd: Decimal
    quality: Decimal | None = None
    scored_traces: int = 0

    @property
    def cost_per_call_usd(self) -> Decimal | None:
        return self.cost_usd / self.calls if self.calls else None

    @property
    def error_rate(self) -> Decimal | None:
        return Decimal(self.errors) / self.calls if self.calls else None


@dataclass(frozen=True)
class Line:
    """One department, agent or model of a ranking; `before_usd` is None without a full week before."""

    name: str
    calls: int
    cost_usd: Decimal
    share: Decimal | None
    before_usd: Decimal | None
    p50_latency_ms: Decimal | None = None
    quality: Decimal | None = None

    @property
    def change(self) -> Decimal | None:
        return change_of(self.cost_usd, self.before_usd)

    @property
    def is_new(self) -> bool:
        return self.before_usd == 0 and self.cost_usd > 0

    @property
    def cost_per_call_usd(self) -> Decimal | None:
        return self.cost_usd / self.calls if self.calls else None


@dataclass(frozen=True)
class Day:
    """One reporting day with usage, all projects together."""

    usage_date: date
    calls: int
    cost_usd: Decimal


@dataclass(frozen=True)
class Hour:
    """One hour of the reporting time zone, all projects together; `usage_hour` is local and without a zone."""

    usage_hour: datetime
    calls: int
    cost_usd: Decimal


@dataclass(frozen=True)
class ForecastDay:
    forecast_date: date
    expected: Decimal
    lower_80: Decimal
    upper_80: Decimal


@dataclass(frozen=True)
class Outlook:
    """The newest forecast of the total daily cost, in US dollars.

    Sums of daily bounds assume that all days miss to the same side, so they hold at least 80 % of the outcomes.
    """

    origin_date: date
    days: tuple[ForecastDay, ...]
    is_fallback: bool
    month_so_far_usd: Decimal

    @property
    def expected_usd(self) -> Decimal:
        return sum((day.expected for day in self.days), Decimal(0))

    @property
    def lower_usd(self) -> Decimal:
        return sum((max(day.lower_80, Decimal(0)) for day in self.days), Decimal(0))

    @property
    def upper_usd(self) -> Decimal:
        return sum((day.upper_80 for day in self.days), Decimal(0))

    @property
    def month(self) -> date:
        """First day of the month that the first forecast day lies in."""
        return self.days[0].forecast_date.replace(day=1)

    @property
    def rest_of_month(self) -> tuple[ForecastDay, ...]:
        return tuple(day for day in self.days if day.forecast_date.replace(day=1) == self.month)

    @property
    def reaches_month_end(self) -> bool:
        return self.days[-1].forecast_date.replace(day=1) > self.month

    @property
    def month_expected_usd(self) -> Decimal:
        return self.month_so_far_usd + sum((day.expected for day in self.rest_of_month), Decimal(0))

    @property
    def month_lower_usd(self) -> Decimal:
        return self.month_so_far_usd + sum((max(day.lower_80, Decimal(0)) for day in self.rest_of_month), Decimal(0))

    @property
    def month_upper_usd(self) -> Decimal:
        return self.month_so_far_usd + sum((day.upper_80 for day in self.rest_of_month), Decimal(0))


@dataclass(frozen=True)
class Anomaly:
    """A day of a series that was not as expected; metric is `cost_usd` (US dollars) or `calls`."""

    usage_date: date
    metric: str
    level: str
    key: str
    value: Decimal
    expected: Decimal | None
    lower: Decimal | None
    upper: Decimal | None
    severity: str


@dataclass(frozen=True)
class Checks:
    """The newest run of checks of each stage; `problems` are the claims that did not hold."""

    total: int
    passed: int
    problems: tuple[str, ...]


@dataclass(frozen=True)
class WeeklyFigures:
    """All that the mail says. `before` is None where the data has no full week before.

    `history` and `unusual_days` (anomalies of the total cost) reach from eight weeks back to the forecast's origin.
    """

    week: Week
    first_day: date
    last_day: date
    totals: Totals
    before: Totals | None
    departments: tuple[Line, ...]
    agents: tuple[Line, ...]
    models: tuple[Line, ...]
    history: tuple[Day, ...]
    hours: tuple[Hour, ...]
    outlook: Outlook | None
    anomalies: tuple[Anomaly, ...]
    unusual_days: tuple[date, ...]
    days_judged: int
    data_through_at: datetime | None
    checks: Checks | None

    @property
    def has_cost(self) -> bool:
        return self.totals.cost_usd > 0

    @property
    def is_partial(self) -> bool:
        """Whether the data begins or ends within the week."""
        return self.first_day > self.week.first_day or self.last_day < self.week.last_day
