"""The seeds that a team hands in, judged before a build starts: a file with a bad row is refused whole."""

from tracemart.seeds.check import SEEDS, check_seeds

__all__ = ["SEEDS", "check_seeds"]
