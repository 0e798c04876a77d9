"""Sizes of real requests, as quantiles, to draw made ones from.

Quantiles of the Azure LLM inference traces 2023 (`conv` and `code`; Patel et al., "Splitwise", ISCA 2024;
Azure Public Dataset, CC BY 4.0): 19,366 chat and 8,819 coding requests. Between two quantiles sizes are
drawn evenly; prompt and answer are drawn apart, their correlation is weak in the traces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PERCENTS = (
    0, 0.5, 1, 2, 3, 5, 7.5, 10, 12.5, 15, 17.5, 20, 22.5, 25, 27.5, 30, 35, 40, 45, 50, 55, 60, 65, 67.5, 70, 72.5,
    75, 77.5, 80, 82.5, 85, 87.5, 90, 92.5, 95, 97, 98, 99, 99.5, 99.9, 100,
)  # fmt: skip


@dataclass(frozen=True)
class SizeTable:
    """Tokens of prompts and answers at `PERCENTS`."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    def prompts(self, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
        return _draw(self.prompt, uniform)

    def answers(self, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
        return _draw(self.answer, uniform)


def _draw(quantiles: tuple[int, ...], uniform: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(np.interp(uniform * 100, PERCENTS, quantiles)).astype(np.int64)


CONVERSATION = SizeTable(
    prompt=(
        2, 16, 29, 91, 161, 181, 200, 207, 235, 372, 379, 387, 393, 396, 400, 403, 414, 703, 984, 1020, 1045, 1071,
        1097, 1112, 1130, 1153, 1189, 1277, 1315, 1434, 1877, 2310, 2735, 4075, 4083, 4090, 4098, 4142, 4831, 6212,
        14050,
    ),
    answer=(
        7, 14, 16, 24, 32, 41, 48, 54, 60, 67, 72, 77, 82, 85, 88, 91, 96, 103, 113, 129, 151, 177, 217, 373, 384,
        391, 395, 396, 400, 406, 411, 416, 424, 430, 451, 509, 540, 601, 644, 954, 1000,
    ),
)  # fmt: skip
CODE = SizeTable(
    prompt=(
        3, 12, 17, 35, 50, 75, 102, 147, 185, 232, 299, 385, 484, 578, 679, 770, 938, 1075, 1261, 1469, 1690, 1909,
        2164, 2305, 2433, 2578, 2745, 2942, 3193, 3538, 3923, 4434, 5194, 6097, 7315, 7435, 7436, 7436, 7436, 7437,
        7437,
    ),
    answer=(
        6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 8, 8, 9, 9, 9, 9, 10, 11, 12, 13, 14, 16, 18, 19, 20, 22, 24, 26, 29, 33, 39,
        46, 55, 69, 90, 128, 172, 252, 361, 831, 1899,
    ),
)  # fmt: skip
