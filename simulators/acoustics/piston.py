"""Flat transducers."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from fieldcast.simulators.acoustics import surface_quadrature
from fieldcast.simulators.acoustics.transducer import SurfaceSamples, Transducer, frame, placed
from fieldcast.simulators.grid import Coordinates


class Piston(Transducer):
    """A flat disc (in two dimensions: a straight line) that vibrates in phase.

        p_surface(t) = surface_pressure * sin(2 pi f t + phase)

    **Arguments:**

    - `diameter` [m], `frequency` [Hz], `surface_pressure` [Pa], `phase` [rad].
    - `position`: the middle of the disc [m]; two or three world coordinates.
    - `axis`: normal of the disc; normalised here.

    Differentiable in `surface_pressure`, `position`, `axis` and `phase`.
    """

    diameter: float = eqx.field(static=True)
    frequency: float = eqx.field(static=True)
    surface_pressure: Float[Array, ""]
    position: Float[Array, " axis"]
    axis: Float[Array, " axis"]
    phase: Float[Array, ""]

    def __init__(
        self,
        *,
        diameter: float,
        frequency: float,
        surface_pressure: ArrayLike,
        position: Coordinates,
        axis: Coordinates,
        phase: ArrayLike = 0.0,
    ):
        self.diameter = float(diameter)
        self.frequency = float(frequency)
        self.surface_pressure = jnp.asarray(surface_pressure, dtype=float)
        self.position = jnp.asarray(position, dtype=float)
        axis = jnp.asarray(axis, dtype=float)
        self.axis = axis / jnp.linalg.norm(axis)
        self.phase = jnp.asarray(phase, dtype=float)

    def __check_init__(self):
        if self.position.shape not in ((2,), (3,)) or self.axis.shape != self.position.shape:
            raise ValueError(
                f"A transducer needs a position and an axis of 2 or 3 coordinates each, got shapes "
                f"{self.position.shape} and {self.axis.shape}."
            )
        if not 0 < self.diameter <= 1.0:
            raise ValueError(f"transducer.diameter must be in metres, above 0 and at most 1, got {self.diameter}.")
        if not 1e3 <= self.frequency <= 1e8:
            raise ValueError(f"transducer.frequency = {self.frequency} Hz is outside 1 kHz .. 100 MHz (unit is Hz).")

    @property
    def ndim(self) -> int:
        return self.position.shape[0]

    @property
    def surface_measure(self) -> float:
        """Area of the disc [m^2] (in two dimensions: length of the line [m])."""
        return self.diameter if self.ndim == 2 else 0.25 * math.pi * self.diameter**2

    def surface_points(self, num_points: int) -> Float[Array, "point axis"]:
        """Points spread evenly over the disc, in world coordinates [m]: a Fibonacci spiral; in 2-D equal steps."""
        fraction = (np.arange(num_points) + 0.5) / num_points
        if self.ndim == 2:
            local = np.stack([np.zeros(num_points), self.diameter * (fraction - 0.5)], axis=-1)
        else:
            distance = 0.5 * self.diameter * np.sqrt(fraction)
            azimuth = math.pi * (3.0 - math.sqrt(5.0)) * np.arange(num_points)
            local = np.stack([np.zeros(num_points), distance * np.cos(azimuth), distance * np.sin(azimuth)], axis=-1)
        return self.position[None] + jnp.asarray(local, self.axis.dtype) @ frame(self.axis)

    def samples(self, distance: float) -> SurfaceSamples:
        """Points about `distance` [m] apart, by which smooth functions are integrated over the surface."""
        if self.ndim == 2:
            nodes, lengths = surface_quadrature.line(self.diameter, distance)
            return placed(self, np.stack([0.0 * nodes, nodes - 0.5 * self.diameter], axis=-1), lengths)
        local, areas = surface_quadrature.rings(0.5 * self.diameter, lambda arc: arc, lambda arc: 0.0, distance)
        return placed(self, local, areas)
