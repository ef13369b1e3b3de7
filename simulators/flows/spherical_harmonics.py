"""Spherical harmonics: transforms between fields on a Gaussian grid and their real coefficients.

Spectra are real and have the shape `(2, order, degree)`: coefficients of the cosines and of the sines,

    f(longitude, latitude) = sum_m sum_l [a_ml cos(m longitude) + b_ml sin(m longitude)] P_l^m(sin latitude)

with `0 <= m <= l <= truncation` (triangular truncation; all other entries are zero). The harmonics are orthonormal in
the mean over the sphere: `a_00` is the mean of the field, and the mean of a product is the sum of the products of the
coefficients. All derivatives are those on a sphere of radius one.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fieldcast.simulators.flows.sphere_grid import SphereGrid, gauss_legendre


class SphericalTransform(eqx.Module):
    """Fields on a Gaussian grid to spherical harmonics and back.

    Fourier transforms along longitude, dense products with the Legendre functions along latitude: `O(truncation^3)`
    operations, as matrix products.

    **Arguments:**

    - `truncation`: the largest degree `l`.
    - `grid`: fine enough that products of two fields are free of aliasing, `num_longitudes > 3 truncation` and
      `2 num_latitudes > 3 truncation`. Truncations 10, 21, 42 and 62 go with 16 x 32, 32 x 64, 64 x 128 and 96 x 192
      points.

    **Raises:** `ValueError` for a grid that is too coarse.

    Source: Orszag, J. Atmos. Sci. 27, 1970, doi:10.1175/1520-0469(1970)027<0890:TMFTCO>2.0.CO;2.
    """

    truncation: int = eqx.field(static=True)
    grid: SphereGrid

    def __check_init__(self):
        longitudes, latitudes = self.grid.num_longitudes, self.grid.num_latitudes
        if self.truncation < 1 or min(longitudes, 2 * latitudes) <= 3 * self.truncation:
            raise ValueError(
                f"Truncation {self.truncation} needs more than {3 * self.truncation} longitudes and half as many "
                f"latitudes, got {longitudes} and {latitudes}; choose a finer grid or a lower truncation (at least 1)."
            )

    @property
    def spectral_shape(self) -> tuple[int, int, int]:
        return (2, self.truncation + 1, self.truncation + 1)

    def synthesis(self, spectrum: Float[Array, "*batch 2 order degree"]) -> Float[Array, "*batch latitude longitude"]:
        """The field of a spectrum."""
        return self._to_longitudes(_product("mjl,...ml->...mj", self._tables(spectrum.dtype).values, spectrum))

    def analysis(self, field: Float[Array, "*batch latitude longitude"]) -> Float[Array, "*batch 2 order degree"]:
        """The spectrum of a field: `a = mean(f Y)`; what the truncation does not hold is dropped."""
        return _product("mjl,...mj->...ml", self._tables(field.dtype).values, self._to_orders(field))

    def gradient(self, spectrum: Float[Array, "2 order degree"]) -> Float[Array, "2 latitude longitude"]:
        """Eastward and northward derivative of a scalar: `(df/dlongitude / cos(latitude), df/dlatitude)`."""
        tables = self._tables(spectrum.dtype)
        east = _product("mjl,...ml->...mj", tables.eastward, _quarter_turn(spectrum))
        north = _product("mjl,...ml->...mj", tables.northward, spectrum)
        return self._to_longitudes(jnp.stack([east, north]))

    def velocity(
        self, vorticity: Float[Array, "2 order degree"], divergence: Float[Array, "2 order degree"]
    ) -> Float[Array, "2 latitude longitude"]:
        """Eastward and northward velocity of a vorticity and a divergence.

            u = grad chi + n x grad psi,   laplacian chi = divergence,   laplacian psi = vorticity

        The means of both, which would be zero, do not matter.
        """
        potential, stream = self.inverse_laplacian(divergence), self.inverse_laplacian(vorticity)
        tables = self._tables(vorticity.dtype)
        along = _product("mjl,...ml->...mj", tables.eastward, _quarter_turn(jnp.stack([potential, stream])))
        across = _product("mjl,...ml->...mj", tables.northward, jnp.stack([-stream, potential]))
        return self._to_longitudes(along + across)

    def vorticity_divergence(
        self, velocity: Float[Array, "*batch 2 latitude longitude"]
    ) -> Float[Array, "*batch 2 2 order degree"]:
        """Spectra of the curl and of the divergence of a field of eastward and northward components.

        By parts, so that nothing is differentiated on the grid: `divergence_ml = -mean(u . grad Y_ml)`.
        """
        tables = self._tables(velocity.dtype)
        orders = self._to_orders(velocity)
        along = _product("mjl,...mj->...ml", tables.eastward, _quarter_turn(orders))
        across = _product("mjl,...mj->...ml", tables.northward, orders)
        curl = along[..., 1, :, :, :] + across[..., 0, :, :, :]
        return jnp.stack([curl, along[..., 0, :, :, :] - across[..., 1, :, :, :]], axis=-4)

    def laplacian(self, spectrum: Float[Array, "*batch 2 order degree"]) -> Float[Array, "*batch 2 order degree"]:
        """`-l (l + 1)` times the coefficients."""
        return spectrum * jnp.broadcast_to(jnp.asarray(-self.eigenvalues(), spectrum.dtype), spectrum.shape)

    def inverse_laplacian(
        self, spectrum: Float[Array, "*batch 2 order degree"]
    ) -> Float[Array, "*batch 2 order degree"]:
        """The field of zero mean whose Laplacian has these coefficients, but for their mean."""
        inverse = -1.0 / np.maximum(self.eigenvalues(), 1.0)
        inverse[0] = 0.0
        return spectrum * jnp.broadcast_to(jnp.asarray(inverse, spectrum.dtype), spectrum.shape)

    def eigenvalues(self) -> Float[np.ndarray, " degree"]:
        """`l (l + 1)`, of minus the Laplacian, for each degree."""
        degree = np.arange(self.truncation + 1.0)
        return degree * (degree + 1.0)

    def _tables(self, dtype: np.dtype) -> "LegendreTables":
        return legendre_tables(self.truncation, self.grid.num_latitudes, dtype)

    def _to_longitudes(
        self, orders: Float[Array, "*batch 2 order latitude"]
    ) -> Float[Array, "*batch latitude longitude"]:
        """Sum of cosines and sines along longitude."""
        cosine, sine = jnp.swapaxes(orders[..., 0, :, :], -1, -2), jnp.swapaxes(orders[..., 1, :, :], -1, -2)
        # The inverse transform counts every order but the zeroth twice.
        half = np.where(np.arange(self.truncation + 1) == 0, 1.0, 0.5)
        half = jnp.broadcast_to(jnp.asarray(half, orders.dtype), cosine.shape)
        return jnp.fft.irfft(jax.lax.complex(half * cosine, -half * sine), self.grid.num_longitudes, norm="forward")

    def _to_orders(self, field: Float[Array, "*batch latitude longitude"]) -> Float[Array, "*batch 2 order latitude"]:
        """Means along longitude of the field times cosines and sines, times half the weight of the latitude."""
        spectrum = jnp.fft.rfft(field, norm="forward")[..., : self.truncation + 1]
        orders = jnp.stack([spectrum.real, -spectrum.imag], axis=-3).swapaxes(-1, -2)
        weights = jnp.asarray(0.5 * gauss_legendre(self.grid.num_latitudes)[1], field.dtype)
        return orders * jnp.broadcast_to(weights, orders.shape)


class LegendreTables(eqx.Module):
    """Normalised Legendre functions and their derivatives on the latitudes of a grid."""

    values: Float[np.ndarray, "order latitude degree"]
    """`P_l^m`."""
    eastward: Float[np.ndarray, "order latitude degree"]
    """`m P_l^m / cos(latitude)`."""
    northward: Float[np.ndarray, "order latitude degree"]
    """`dP_l^m / dlatitude`."""


@functools.cache
def legendre_tables(truncation: int, num_latitudes: int, dtype: np.dtype) -> LegendreTables:
    """Tables for one grid and precision, by the three-term recurrence in the degree, which is stable.

        e_l^m P_l^m = sin(latitude) P_(l-1)^m - e_(l-1)^m P_(l-2)^m,   e_l^m = sqrt((l^2 - m^2) / (4 l^2 - 1))
        cos(latitude) dP_l^m/dlatitude = (l + 1) e_l^m P_(l-1)^m - l e_(l+1)^m P_(l+1)^m

    Made once in float64, then rounded: a program that uses one table often holds it once.
    """
    sine, _ = gauss_legendre(num_latitudes)
    cosine = np.sqrt(1.0 - sine**2)
    size = truncation + 1
    values, northward = np.zeros((2, size, num_latitudes, size + 1))
    sectoral = np.ones(num_latitudes)  # P_m^m
    for m in range(size):
        if m > 0:
            sectoral = sectoral * cosine * np.sqrt(3.0 if m == 1 else (2.0 * m + 1.0) / (2.0 * m))
        degree = np.arange(size + 2.0)
        e = np.sqrt(np.maximum(degree**2 - m**2, 0.0) / np.abs(4.0 * degree**2 - 1.0))
        values[m, :, m] = sectoral
        values[m, :, m + 1] = sine * sectoral / e[m + 1]
        for n in range(m + 2, size + 1):
            values[m, :, n] = (sine * values[m, :, n - 1] - e[n - 1] * values[m, :, n - 2]) / e[n]
        for n in range(m, size):
            lower = values[m, :, n - 1] if n > m else 0.0
            northward[m, :, n] = ((n + 1) * e[n] * lower - n * e[n + 1] * values[m, :, n + 1]) / cosine
    eastward = np.arange(size)[:, None, None] * values / cosine[:, None]
    return LegendreTables(*(table[:, :, :size].astype(dtype) for table in (values, eastward, northward)))


def _product(subscripts: str, table: np.ndarray, array: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.einsum(subscripts, table, array, precision=jax.lax.Precision.HIGHEST)


def _quarter_turn(coefficients: Float[Array, "*batch 2 order other"]) -> Float[Array, "*batch 2 order other"]:
    """What the derivative along longitude does to cosines and sines, but for the factor `m`: `(a, b)` to `(b, -a)`."""
    cosine, sine = coefficients[..., 0, :, :], coefficients[..., 1, :, :]
    return jnp.stack([sine, -cosine], axis=-3)
