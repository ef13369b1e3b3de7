"""Boxes with walls all around, on cells of equal size."""

import math

import equinox as eqx
import numpy as np

from fieldcast.simulators.stepper import FlowGrid


class ClosedBox(FlowGrid):
    """A plane box with a wall on every side, cut into equal cells; fields live in their middles, `(i + 1/2) L / n`.

    **Arguments:** `num_points`, cells along each axis, and `lengths` of the box.
    """

    num_points: tuple[int, int] = eqx.field(static=True)
    lengths: tuple[float, float] = eqx.field(static=True)

    def __check_init__(self):
        if any(n < 2 for n in self.num_points) or any(not (0 < length < math.inf) for length in self.lengths):
            raise ValueError(
                f"A box needs at least two cells an axis and positive lengths, got {self.num_points} and "
                f"{self.lengths}."
            )

    @property
    def axis_names(self) -> tuple[str, ...]:
        return ("x", "y")

    @property
    def periodic(self) -> tuple[bool, ...]:
        return (False, False)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Size of a cell along each axis."""
        return tuple(length / n for n, length in zip(self.num_points, self.lengths, strict=True))

    def axes(self) -> tuple[np.ndarray, ...]:
        return tuple((np.arange(n) + 0.5) * h for n, h in zip(self.num_points, self.spacing, strict=True))

    def weights(self) -> tuple[np.ndarray, ...]:
        return tuple(np.full(n, h) for n, h in zip(self.num_points, self.spacing, strict=True))
