"""How often a series is observed, and what follows from it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cadence:
    """Lengths in observations: of seasons, of history asked for, and of the windows that models look back on.

    `seasons` go from short to long; `baseline_seasons` are those of seasonal naive, longest that history bears first.
    `calibration_step` shares no factor with the seasons, so that rolling origins meet every weekday and hour.
    """

    name: str
    seconds: int
    seasons: tuple[int, ...]
    per_week: int
    min_forecast_history: int
    min_anomaly_history: int
    training_window: int
    level_training: int
    seasonal_window: int
    level_window: int
    calibration_step: int
    calibration_origins: int
    shift_accepted_after: int

    def naive_season(self, history: int) -> int:
        """The season that seasonal naive copies: the longest of which history holds two, else the shortest."""
        fitting = [season for season in self.seasons if history >= 2 * season]
        return fitting[-1] if fitting else self.seasons[0]


DAILY = Cadence(
    name="daily",
    seconds=86_400,
    seasons=(7,),
    per_week=7,
    min_forecast_history=21,
    min_anomaly_history=14,
    training_window=400,
    level_training=400,
    seasonal_window=112,
    level_window=7,
    calibration_step=5,
    calibration_origins=16,
    shift_accepted_after=4,
)

HOURLY = Cadence(
    name="hourly",
    seconds=3_600,
    seasons=(24, 168),
    per_week=168,
    min_forecast_history=72,
    min_anomaly_history=72,
    training_window=1_344,
    level_training=504,
    seasonal_window=1_344,
    level_window=24,
    calibration_step=23,
    calibration_origins=16,
    shift_accepted_after=24,
)
