"""A line of a bill as we keep it, and the fields of a file's row, judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from tracemart.errors import BadInputError

FIRST_DATE, LAST_DATE = date(2018, 1, 1), date(2100, 1, 1)


@dataclass(frozen=True)
class BillLine:
    """What one line of a file says of one model and type of usage on one UTC day.

    `cost_usd` None: a usage export, which tells units alone. `model` None: the bill is not split by model, and
    `usage_type` None: nor by type. `cost_decimals` is how finely the line writes its cost.
    """

    usage_date: date
    line_number: int
    provider: str = ""
    account: str = ""
    model: str | None = None
    usage_type: str | None = None
    service_tier: str | None = None
    units: Decimal | None = None
    requests: int | None = None
    cost_usd: Decimal | None = None
    cost_decimals: int | None = None


@dataclass(frozen=True)
class Row:
    """One row of a file: its fields by column, and where it stands."""

    file: str
    line: int
    fields: Mapping[str, str]

    def refuse(self, problem: str) -> NoReturn:
        raise BadInputError(f"{self.file}, line {self.line}: {problem}; nothing of the file was loaded.")

    def text(self, *columns: str) -> str | None:
        """What the first of the columns that has a text says."""
        return next((self.fields[column] for column in columns if self.fields.get(column)), None)

    def required(self, column: str) -> str:
        return self.text(column) or self.refuse(f"{column} is empty")

    def number(self, column: str) -> Decimal | None:
        text = self.text(column)
        if text is None:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            self.refuse(f"{column} is {text!r}; it must be a number with a point")
        if not value.is_finite() or abs(value) > 10**18:
            self.refuse(f"{column} is {text!r}; that is no number to reckon with")
        return value

    def units(self, column: str) -> Decimal:
        """0 where the file has no such column or says nothing."""
        value = self.number(column) or Decimal(0)
        if value < 0:
            self.refuse(f"{column} is {value}; usage cannot be less than nothing")
        return value

    def cost(self, column: str) -> Decimal:
        value = self.number(column)
        return self.refuse(f"{column} is empty") if value is None else value

    def day(self, column: str) -> date:
        """The UTC day of a date, an ISO time or seconds since 1970."""
        return self.moment(column).date()

    def moment(self, column: str) -> datetime:
        text = self.required(column)
        try:
            if text.isdecimal():
                found = datetime.fromtimestamp(int(text), UTC)
            else:
                found = datetime.fromisoformat(text)
                found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            self.refuse(f"{column} is {text!r}; it must be a date such as 2026-11-01")
        if not FIRST_DATE <= found.date() < LAST_DATE:
            self.refuse(f"{column} is {text!r}, which is out of this time")
        return found

    def expect_dollars(self, column: str) -> None:
        currency = self.text(column)
        if currency is not None and currency.upper() != "USD":
            self.refuse(f"{column} is {currency}; a bill is compared in US dollars: export it in USD")


def decimals_of(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
