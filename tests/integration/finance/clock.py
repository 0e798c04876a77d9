"""What Python's zoneinfo says of local days and hours: the judge of what SQL makes of them."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

HALF_HOUR = timedelta(minutes=30)
MICROSECOND = timedelta(microseconds=1)

ZONES = (
    "Africa/Cairo", "Africa/Casablanca", "America/Asuncion", "America/Havana", "America/Los_Angeles",
    "America/New_York", "America/Nuuk", "America/Santiago", "America/Sao_Paulo", "America/St_Johns",
    "Antarctica/Troll", "Asia/Beirut", "Asia/Jerusalem", "Asia/Kabul", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran",
    "Asia/Tokyo", "Atlantic/Azores", "Australia/Adelaide", "Australia/Sydney", "Etc/GMT+12", "Europe/Berlin",
    "Europe/Istanbul", "Europe/London", "Pacific/Apia", "Pacific/Auckland", "Pacific/Easter", "Pacific/Kiritimati",
    "Pacific/Marquesas", "Pacific/Pago_Pago",
)  # fmt: skip
# Their clocks change within an hour, which the dbt project knows by their names.
LORD_HOWE, CHATHAM = "Australia/Lord_Howe", "Pacific/Chatham"


def changes(zone: ZoneInfo, year: int = 2025) -> list[datetime]:
    """The moments of the year at which the zone's clock changes, to the half hour."""
    day, found = datetime(year, 1, 1, tzinfo=UTC), []
    while day.year == year:
        if _changed(day, timedelta(days=1), zone):
            moments = (day + number * HALF_HOUR for number in range(48))
            found += [moment + HALF_HOUR for moment in moments if _changed(moment, HALF_HOUR, zone)]
        day += timedelta(days=1)
    return found


def _changed(moment: datetime, within: timedelta, zone: ZoneInfo) -> bool:
    return moment.astimezone(zone).utcoffset() != (moment + within).astimezone(zone).utcoffset()


def changes_within_hours(zone: ZoneInfo, year: int = 2025) -> bool:
    return any(change.astimezone(zone).minute for change in changes(zone, year))


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def hour_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """When the hour on the zone's clock began: at the full hour, or where the clock was changed within it."""
    local = moment.astimezone(zone)
    began = moment - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    while began.astimezone(zone).utcoffset() != local.utcoffset():
        began += timedelta(minutes=1)
    return began


def moments_around(change: datetime, zone: ZoneInfo) -> set[datetime]:
    """Every half hour of the local day of a change, and what touches its midnights and the change."""
    found = {change - MICROSECOND, change}
    moment = change - timedelta(hours=27)
    while moment <= change + timedelta(hours=27):
        if day_of(moment, zone) == day_of(change, zone):
            found.add(moment)
        if day_of(moment, zone) != day_of(moment - HALF_HOUR, zone):
            found |= {moment - MICROSECOND, moment}
        moment += HALF_HOUR
    return found


def sums(calls: Iterable[tuple[datetime, Decimal]], zone: ZoneInfo) -> tuple[dict, dict]:  # type: ignore[type-arg]
    """(number, cost) of calls by local day, and by the begin of the local hour."""
    days: dict[date, tuple[int, Decimal]] = {}
    hours: dict[datetime, tuple[int, Decimal]] = {}
    for moment, cost in calls:
        day, hour = day_of(moment, zone), hour_of(moment, zone)
        number, total = days.get(day, (0, Decimal(0)))
        days[day] = (number + 1, total + cost)
        number, total = hours.get(hour, (0, Decimal(0)))
        hours[hour] = (number + 1, total + cost)
    return days, hours


def hours_a_day(hours: Iterable[datetime], zone: ZoneInfo) -> Counter[date]:
    return Counter(day_of(hour, zone) for hour in hours)
