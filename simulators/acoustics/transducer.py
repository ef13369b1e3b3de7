"""What a transducer is, and the focused bowl."""

import abc
import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from fieldcast.simulators.acoustics import surface_quadrature
from fieldcast.simulators.grid import Coordinates


class SurfaceSamples(eqx.Module):
    """A radiating surface as points, each standing for a piece of it.

    - `points`: world coordinates, shape `(point, axis)` [m].
    - `measure`: area (in two dimensions: length) that each point stands for [m^2] or [m].
    - `pressure`: surface pressure [Pa].
    - `phase`: one for the whole surface, or one for each point [rad].
    """

    points: Float[Array, "point axis"]
    measure: Float[Array, " point"]
    pressure: Float[Array, " point"]
    phase: Float[Array, ""] | Float[Array, " point"]


class Transducer(eqx.Module):
    """A surface that vibrates at one frequency [Hz]; `position` is its middle [m]."""

    frequency: eqx.AbstractVar[float]
    position: eqx.AbstractVar[Array]

    @property
    @abc.abstractmethod
    def ndim(self) -> int:
        """Number of world coordinates, 2 or 3."""

    @abc.abstractmethod
    def surface_points(self, num_points: int) -> Float[Array, "point axis"]:
        """About `num_points` points spread evenly over the radiating surface, in world coordinates [m]."""

    @abc.abstractmethod
    def samples(self, distance: float) -> SurfaceSamples:
        """Points about `distance` [m] apart, by which smooth functions are integrated over the surface."""


class FocusedBowl(Transducer):
    """A spherically focused single-element transducer (in two dimensions: an arc).

    Every point of the bowl vibrates in phase with normal velocity `u = surface_pressure / (rho c)`:

        p_surface(t) = surface_pressure * sin(2 pi f t + phase)

    **Arguments:**

    - `radius_of_curvature`: distance from the surface to the geometric focus [m].
    - `aperture_diameter`: diameter of the rim [m], at most twice the radius of curvature.
    - `frequency` [Hz].
    - `surface_pressure` [Pa].
    - `position`: the apex, the middle point of the bowl's surface [m]; two or three world coordinates.
    - `axis`: direction from the apex to the geometric focus; normalised here.
    - `phase` [rad].

    Differentiable in `surface_pressure`, `position`, `axis` and `phase`.
    """

    radius_of_curvature: float = eqx.field(static=True)
    aperture_diameter: float = eqx.field(static=True)
    frequency: float = eqx.field(static=True)
    surface_pressure: Float[Array, ""]
    position: Float[Array, " axis"]
    axis: Float[Array, " axis"]
    phase: Float[Array, ""]

    def __init__(
        self,
        *,
        radius_of_curvature: float,
        aperture_diameter: float,
        frequency: float,
        surface_pressure: ArrayLike,
        position: Coordinates,
        axis: Coordinates,
        phase: ArrayLike = 0.0,
    ):
        self.radius_of_curvature = float(radius_of_curvature)
        self.aperture_diameter = float(aperture_diameter)
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
        for name in ("radius_of_curvature", "aperture_diameter"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"transducer.{name} must be a positive number of metres, got {value}.")
            if value > 1.0:
                raise ValueError(f"transducer.{name} = {value} m: lengths are in metres (were millimetres meant?).")
        if self.aperture_diameter > 2 * self.radius_of_curvature:
            raise ValueError(
                f"The aperture diameter ({self.aperture_diameter} m) cannot exceed twice the radius of curvature "
                f"({self.radius_of_curvature} m)."
            )
        if not 1e3 <= self.frequency <= 1e8:
            raise ValueError(f"transducer.frequency = {self.frequency} Hz is outside 1 kHz .. 100 MHz (unit is Hz).")

    @property
    def ndim(self) -> int:
        return self.position.shape[0]

    @property
    def geometric_focus(self) -> Float[Array, " axis"]:
        """Centre of curvature [m]."""
        return self.position + self.radius_of_curvature * self.axis

    @property
    def half_angle(self) -> float:
        """Angle between the axis and the rim as seen from the geometric focus [rad]."""
        return math.asin(min(1.0, 0.5 * self.aperture_diameter / self.radius_of_curvature))

    @property
    def depth(self) -> float:
        """Distance along the axis from the apex to the plane of the rim [m]."""
        return self.radius_of_curvature * (1.0 - math.cos(self.half_angle))

    @property
    def surface_measure(self) -> float:
        """Area of the bowl [m^2] (in two dimensions: length of the arc [m])."""
        if self.ndim == 2:
            return 2.0 * self.half_angle * self.radius_of_curvature
        return 2.0 * math.pi * self.radius_of_curvature * self.depth

    def surface_points(self, num_points: int) -> Float[Array, "point axis"]:
        """Points spread evenly over the radiating surface, in world coordinates [m].

        A Fibonacci spiral of equal areas on the bowl; equal steps along the arc in two dimensions. Differentiable in
        position and axis.
        """
        fraction = (np.arange(num_points) + 0.5) / num_points
        radius = self.radius_of_curvature
        if self.ndim == 2:
            angle = (2.0 * fraction - 1.0) * self.half_angle
            along, across = radius * (1.0 - np.cos(angle)), radius * np.sin(angle)
            local = np.stack([along, across], axis=-1)
        else:
            along = self.depth * fraction
            distance = np.sqrt(along * (2.0 * radius - along))
            azimuth = math.pi * (3.0 - math.sqrt(5.0)) * np.arange(num_points)
            local = np.stack([along, distance * np.cos(azimuth), distance * np.sin(azimuth)], axis=-1)
        return self.position[None] + jnp.asarray(local, self.axis.dtype) @ frame(self.axis)

    def samples(self, distance: float) -> SurfaceSamples:
        """Points about `distance` [m] apart, by which smooth functions are integrated over the surface."""
        radius, arc = self.radius_of_curvature, self.radius_of_curvature * self.half_angle
        if self.ndim == 2:
            nodes, lengths = surface_quadrature.line(2.0 * arc, distance)
            angle = nodes / radius - self.half_angle
            local = np.stack([radius * (1.0 - np.cos(angle)), radius * np.sin(angle)], axis=-1)
            return placed(self, local, lengths)
        local, areas = surface_quadrature.rings(
            arc,
            lambda arc: radius * math.sin(arc / radius),
            lambda arc: radius * (1.0 - math.cos(arc / radius)),
            distance,
        )
        return placed(self, local, areas)

    def local_coordinates(
        self, points: Float[Array, "axis *space"]
    ) -> tuple[Float[Array, "*space"], Float[Array, "*space"]]:
        """Distance along the axis from the apex, and distance from the axis, of world `points` [m]."""
        # Written out by coordinate: XLA's reductions over a leading axis of two or three are many times slower.
        offset = [x - origin for x, origin in zip(points, self.position, strict=True)]
        along = sum(x * direction for x, direction in zip(offset, self.axis, strict=True))
        across_squared = sum((x - along * direction) ** 2 for x, direction in zip(offset, self.axis, strict=True))
        # The root has no gradient on the axis; there the field is flat across it, so zero is the right one.
        on_axis = across_squared < 1e-20
        across = jnp.where(on_axis, 0.0, jnp.sqrt(jnp.where(on_axis, 1.0, across_squared)))
        return along, across


def placed(transducer, local: np.ndarray, measure: np.ndarray) -> SurfaceSamples:
    """Samples of a `transducer` that vibrates in phase, from points in its own frame (axis first) [m]."""
    dtype = transducer.axis.dtype
    return SurfaceSamples(
        points=transducer.position[None] + jnp.asarray(local, dtype) @ frame(transducer.axis),
        measure=jnp.asarray(measure, dtype),
        pressure=jnp.broadcast_to(transducer.surface_pressure, measure.shape),
        phase=transducer.phase,
    )


def frame(axis: Float[Array, " axis"]) -> Float[Array, "axis axis"]:
    """An orthonormal frame whose first row is the unit vector `axis`; smooth except where its last entry is zero.

    In three dimensions the branch-free construction of Duff et al., "Building an Orthonormal Basis, Revisited",
    Journal of Computer Graphics Techniques 6(1), 2017.
    """
    if axis.shape == (2,):
        return jnp.stack([axis, jnp.stack([-axis[1], axis[0]])])
    x, y, z = axis
    sign = jnp.where(z >= 0, 1.0, -1.0)
    a = -1.0 / (sign + z)
    b = x * y * a
    second = jnp.stack([1.0 + sign * x * x * a, sign * b, -sign * x])
    third = jnp.stack([b, sign + y * y * a, -y])
    return jnp.stack([axis, second, third])
