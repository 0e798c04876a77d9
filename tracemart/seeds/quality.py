"""seeds/quality_scores.csv: which scores tell quality, and how."""

from pathlib import Path

from tracemart.seeds.seed_file import read_seed, refuse_repeated

COLUMNS = ("score_name", "minimum", "maximum", "direction", "weight", "success_at")


def check_quality_scores(file: Path) -> None:
    """Raises BadInputError."""
    rows = read_seed(file, COLUMNS)
    for row in rows:
        row.required("score_name"), row.required("minimum"), row.required("maximum")
        minimum, maximum, success_at = row.number("minimum"), row.number("maximum"), row.number("success_at")
        row.choice("direction", ("higher", "lower"))
        row.amount("weight")
        assert minimum is not None
        assert maximum is not None
        if minimum >= maximum:
            row.refuse(f"minimum {minimum} is not below maximum {maximum}; swap or mend them")
        if success_at is not None and not minimum <= success_at <= maximum:
            row.refuse(f"success_at {success_at} lies outside of {minimum} to {maximum}; mend it or leave it empty")
    refuse_repeated(((row, row.values["score_name"]) for row in rows), "it tells the score")
