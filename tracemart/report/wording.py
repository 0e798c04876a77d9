"""Figures as people read them. Money stays Decimal until it is text."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
SMALLEST_SHOWN = Decimal("0.000001")
NONE = "–"


def money(amount: Decimal | None) -> str:
    """US dollars: `$1,234.56`; below a dollar three digits that count (`$0.00420`), so that no cost looks like none."""
    if amount is None:
        return NONE
    if amount < 0:
        return f"−{money(-amount)}"
    if amount == 0:
        return "$0.00"
    if amount < SMALLEST_SHOWN:
        return f"<${SMALLEST_SHOWN:f}"
    step = CENT if amount >= 1 else Decimal(1).scaleb(amount.adjusted() - 2)
    rounded = amount.quantize(step, ROUND_HALF_UP)
    return f"${rounded.quantize(CENT, ROUND_HALF_UP) if rounded >= 1 else rounded:,f}"


def count(number: int | Decimal | None) -> str:
    """`19,366`."""
    return NONE if number is None else f"{int(number):,}"


def compact(number: int | Decimal | None) -> str:
    """`22.4 M`: three digits that count with K, M, B or T."""
    if number is None:
        return NONE
    value = Decimal(number)
    for unit in ("", " K", " M", " B", " T"):
        if abs(value) < Decimal("999.5") or unit == " T":
            break
        value /= 1000
    if not unit:
        return f"{int(value):,}"
    places = max(0, 2 - value.adjusted())
    return f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,f}{unit}"


def percent(share: Decimal | None) -> str:
    """A share of 1 as `4.2 %`; below a tenth of a percent `<0.1 %`."""
    if share is None:
        return NONE
    if 0 < share < Decimal("0.001"):
        return "<0.1 %"
    return f"{share * 100:.1f} %"


def change_of(now: Decimal | int | None, before: Decimal | int | None) -> Decimal | None:
    """The change as a share of `before`; None where there is nothing to compare with."""
    if now is None or before is None or before == 0:
        return None
    return (Decimal(now) - Decimal(before)) / Decimal(before)


def change(share: Decimal | None) -> str:
    """`▲ 5.2 %`, `▼ 3.1 %`, `no change`; beyond tenfold the factor."""
    if share is None:
        return NONE
    if abs(share) < Decimal("0.0005"):
        return "no change"
    if share >= 10:
        return f"▲ {share + 1:,.0f}-fold"
    return f"{'▲' if share > 0 else '▼'} {abs(share) * 100:.1f} %"


def difference(amount: Decimal, unit: str) -> str:
    """Of shares in percentage points (`▲ 0.2 points`), else with two decimals (`▼ 0.03`)."""
    text = f"{abs(amount) * 100:.1f} {unit}" if unit == "points" else f"{abs(amount):.2f}"
    if not text.strip("0. points"):
        return "no change"
    return f"{'▲' if amount > 0 else '▼'} {text}"


def milliseconds(value: Decimal | None) -> str:
    """`840 ms`, `1.9 s`."""
    if value is None:
        return NONE
    return f"{value:,.0f} ms" if value < 1000 else f"{value / 1000:,.1f} s"


def listed(names: list[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
