"""The grid of fields that were read from a file: nothing is known of it but its points."""

import equinox as eqx
import numpy as np

from fieldcast.simulators.flows.chebyshev import chebyshev_points, derivative_matrix, quadrature_weights
from fieldcast.simulators.flows.sphere_grid import gauss_legendre
from fieldcast.simulators.stepper import FlowGrid


class SampledGrid(FlowGrid):
    """Any product of axes, by its points; quadrature and derivatives follow from where they lie.

    | points | weights | derivative |
    |---|---|---|
    | equally spaced on a periodic axis | equal | of the trigonometric polynomial |
    | Chebyshev points from -1 to 1 | Clenshaw-Curtis | of the polynomial |
    | `latitude` at Gauss-Legendre points | Gauss-Legendre | central differences |
    | other | half the distance of both neighbours, at an end that of the one | central differences, second order |

    Of other latitudes the sine is taken, as of the Gauss-Legendre points.

    **Arguments:** `SampledGrid.of` takes arrays. `names` and `points` of the axes, and which are `periods`: whether an
    axis is periodic.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    points_along: tuple[tuple[float, ...], ...] = eqx.field(static=True)
    periods: tuple[bool, ...] = eqx.field(static=True)

    @classmethod
    def of(cls, axes: dict[str, np.ndarray], periodic: tuple[bool, ...]) -> "SampledGrid":
        """The grid with axes of these names and points."""
        return cls(tuple(axes), tuple(tuple(map(float, points)) for points in axes.values()), periodic)

    def __check_init__(self):
        if not len(self.names) == len(self.points_along) == len(self.periods):
            raise ValueError(f"Every axis has a name, points and a kind, got {self.names} and {self.periods}.")
        for name, points, periodic in zip(self.names, self.axes(), self.periods, strict=True):
            spacings = np.diff(points)
            if len(points) < 2 or not np.all(spacings > 0):
                raise ValueError(f"The axis {name} needs at least two rising points.")
            if periodic and not np.allclose(spacings, spacings[0], rtol=1e-3):
                raise ValueError(f"The axis {name} is periodic, and its points must be equally spaced.")

    @property
    def axis_names(self) -> tuple[str, ...]:
        return self.names

    @property
    def periodic(self) -> tuple[bool, ...]:
        return self.periods

    @property
    def lengths(self) -> tuple[float, ...]:
        """Of every axis: its period, or from its first point to its last."""
        return tuple(
            (points[-1] - points[0]) * (len(points) / (len(points) - 1) if periodic else 1.0)
            for points, periodic in zip(self.points_along, self.periods, strict=True)
        )

    def axes(self) -> tuple[np.ndarray, ...]:
        return tuple(np.asarray(points) for points in self.points_along)

    def weights(self) -> tuple[np.ndarray, ...]:
        return tuple(self._weights(axis) for axis in range(len(self.names)))

    def derivative(self, field: np.ndarray, axis: int) -> np.ndarray:
        """`d/dx` of fields `(..., *space)` along one axis of space."""
        place, points = field.ndim - len(self.names) + axis, self.axes()[axis]
        if self.periods[axis]:
            modes = np.fft.rfft(field, axis=place)
            wavenumbers = 2.0 * np.pi / self.lengths[axis] * np.arange(modes.shape[place])
            if len(points) % 2 == 0:
                wavenumbers[-1] = 0.0  # a wave of two points is a cosine whose slope at the points is zero
            symbol = np.expand_dims(1j * wavenumbers, tuple(range(1, field.ndim - place)))
            return np.fft.irfft(symbol * modes, n=len(points), axis=place)
        if _is_chebyshev(points):
            return np.moveaxis(np.moveaxis(field, place, -1) @ derivative_matrix(len(points)).T, -1, place)
        return np.gradient(field, points, axis=place)

    def _weights(self, axis: int) -> np.ndarray:
        points = self.axes()[axis]
        if self.periods[axis]:
            return np.full(len(points), self.lengths[axis] / len(points))
        if _is_chebyshev(points):
            return quadrature_weights(len(points))
        if self.names[axis] == "latitude":
            sine, weights = gauss_legendre(len(points))
            return weights if np.allclose(np.sin(points), sine, atol=1e-5) else np.gradient(np.sin(points))
        return np.gradient(points)


def _is_chebyshev(points: np.ndarray) -> bool:
    return np.allclose(points, chebyshev_points(len(points)), atol=1e-5)
