"""Boxes that are periodic along every axis, and their Fourier symbols."""

import math

import equinox as eqx
import numpy as np

from fieldcast.simulators import spectral
from fieldcast.simulators.stepper import FlowGrid


class PeriodicBox(FlowGrid):
    """A periodic box of equally spaced points, `x_i = i L / n`.

    **Arguments:** `num_points` along each axis, and `lengths` of the box.
    """

    num_points: tuple[int, ...] = eqx.field(static=True)
    lengths: tuple[float, ...] = eqx.field(static=True)

    def __check_init__(self):
        if len(self.num_points) != len(self.lengths) or len(self.num_points) not in (1, 2, 3):
            raise ValueError(
                f"A box needs as many numbers of points as lengths, one to three, got {self.num_points} and "
                f"{self.lengths}."
            )
        if any(n < 2 for n in self.num_points) or any(not (0 < length < math.inf) for length in self.lengths):
            raise ValueError(
                f"A box needs at least two points an axis and positive lengths, got {self.num_points} and "
                f"{self.lengths}."
            )

    @property
    def axis_names(self) -> tuple[str, ...]:
        return ("x", "y", "z")[: len(self.num_points)]

    @property
    def periodic(self) -> tuple[bool, ...]:
        return (True,) * len(self.num_points)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Distance of neighbouring points along each axis."""
        return tuple(length / n for n, length in zip(self.num_points, self.lengths, strict=True))

    def axes(self) -> tuple[np.ndarray, ...]:
        return tuple(np.arange(n) * d for n, d in zip(self.num_points, self.spacing, strict=True))

    def weights(self) -> tuple[np.ndarray, ...]:
        return tuple(np.full(n, d) for n, d in zip(self.num_points, self.spacing, strict=True))

    def wavenumbers(self) -> tuple[np.ndarray, ...]:
        """Angular wavenumbers along each axis, shaped to broadcast against the spectrum of `rfftn`."""
        return spectral.wavenumbers(self.num_points, self.spacing)
