"""Places names beside the points of a scatter chart so that they lie on no point and on no other name."""

from dataclasses import dataclass
from typing import Any

POINTS_PER_INCH = 72
FONT_SIZE = 10
LETTER_WIDTH = 6.2
INK = "#1f2937"
LINE_HEIGHT = 13.0


@dataclass(frozen=True)
class Box:
    """In points from the figure's lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: "Box") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def is_within(self, other: "Box") -> bool:
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.bottom >= other.bottom
            and self.top <= other.top
        )


def name_points(axes: Any, names: list[str], xs: list[float], ys: list[float], areas: list[float]) -> None:
    """Writes each name right or left of its point, above or below: at the first place that is free.

    Limits of the axes must be set. `areas` are those of `scatter`, in square points.
    """
    scale = POINTS_PER_INCH / axes.figure.dpi
    frame = axes.get_window_extent()
    inside = Box(frame.x0 * scale, frame.y0 * scale, frame.x1 * scale, frame.y1 * scale)
    centres = [
        tuple(float(part) * scale for part in axes.transData.transform(point)) for point in zip(xs, ys, strict=True)
    ]
    radii = [area**0.5 / 2 for area in areas]
    taken = [Box(x - r, y - r, x + r, y + r) for (x, y), r in zip(centres, radii, strict=True)]
    for name, (x, y), radius, point in zip(names, centres, radii, zip(xs, ys, strict=True), strict=True):
        width, gap, half = LETTER_WIDTH * len(name), radius + 4, LINE_HEIGHT / 2
        places = [
            *((gap, rise, "left") for rise in (0.0, half, -half)),
            *((-gap, rise, "right") for rise in (0.0, half, -half)),
            (0.0, gap + half, "center"),
            (0.0, -gap - half, "center"),
            *((side * radius, rise, align) for rise in (gap, -gap) for side, align in ((1, "left"), (-1, "right"))),
        ]
        boxes = []
        for shift_x, shift_y, align in places:
            left = x + shift_x - width * {"left": 0.0, "center": 0.5, "right": 1.0}[align]
            boxes.append(Box(left, y + shift_y - half, left + width, y + shift_y + half))
        within = [number for number, box in enumerate(boxes) if box.is_within(inside)] or [0]
        free = [number for number in within if not any(boxes[number].overlaps(box) for box in taken)]
        chosen = (free or within)[0]
        taken.append(boxes[chosen])
        shift_x, shift_y, align = places[chosen]
        axes.annotate(
            name,
            point,
            xytext=(shift_x, shift_y),
            textcoords="offset points",
            ha=align,
            va="center",
            fontsize=FONT_SIZE,
            color=INK,
            zorder=4,
        )
