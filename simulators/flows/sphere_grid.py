"""Gaussian latitude-longitude grids on the sphere."""

import functools

import equinox as eqx
import numpy as np
from jaxtyping import Float

from fieldcast.simulators.stepper import FlowGrid


class SphereGrid(FlowGrid):
    """A latitude-longitude grid whose latitudes are the nodes of Gauss-Legendre quadrature.

        sin(latitude_j): roots of the Legendre polynomial P_n,   longitude_i = 2 pi i / m

    Fields have the shape `(latitude, longitude)`, latitudes from south to north, both in [rad]; no point lies on a
    pole. Weights are solid angles [sr] of a sphere of radius one, so that they sum to 4 pi: a polynomial of degree
    `2 num_latitudes - 1` is integrated to round-off.

    **Arguments:** `num_latitudes` and `num_longitudes`, the numbers of points from pole to pole and around.
    """

    num_latitudes: int = eqx.field(static=True)
    num_longitudes: int = eqx.field(static=True)

    def __check_init__(self):
        if self.num_latitudes < 2 or self.num_longitudes < 4:
            raise ValueError(
                f"A sphere needs at least 2 latitudes and 4 longitudes, got {self.num_latitudes} and "
                f"{self.num_longitudes}."
            )

    @property
    def axis_names(self) -> tuple[str, ...]:
        return ("latitude", "longitude")

    @property
    def periodic(self) -> tuple[bool, ...]:
        return (False, True)

    def axes(self) -> tuple[np.ndarray, ...]:
        sine, _ = gauss_legendre(self.num_latitudes)
        return np.arcsin(sine), np.arange(self.num_longitudes) * (2.0 * np.pi / self.num_longitudes)

    def weights(self) -> tuple[np.ndarray, ...]:
        _, weights = gauss_legendre(self.num_latitudes)
        return weights, np.full(self.num_longitudes, 2.0 * np.pi / self.num_longitudes)

    def normals(self) -> Float[np.ndarray, "3 latitude longitude"]:
        """Unit vector from the centre to every point; the third axis goes through the north pole."""
        latitude, longitude = self.points()
        return np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])


@functools.cache
def gauss_legendre(num_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of Gauss-Legendre quadrature on [-1, 1]."""
    return np.polynomial.legendre.leggauss(num_points)
