"""The nearest velocity without divergence or slip, in a channel."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Complex, Float
from scipy.linalg import eigh, null_space

from fieldcast.simulators import spectral
from fieldcast.simulators.flows.chebyshev import derivative_matrix, quadrature_weights
from fieldcast.simulators.flows.wall_normal import along_y

Field = Complex[Array, "y kx kz"]


class ClampedBasis(NamedTuple):
    """Polynomials that vanish with their slope at both walls, orthonormal, and orthogonal in their slopes too.

    `values[:, n]` and `slopes[:, n]` at the points; `stiffness[n]`, the mean square of the slope; both times quadrature
    weights in `weighted_values` and `weighted_slopes`.
    """

    values: Float[np.ndarray, "y basis"]
    weighted_values: Float[np.ndarray, "basis y"]
    weighted_slopes: Float[np.ndarray, "basis y"]
    stiffness: Float[np.ndarray, "basis 1 1"]

    def nearest(
        self,
        normal_velocity: Field,
        divergence: Field,
        wavenumber_squared: Float[np.ndarray, "1 kx kz"],
    ) -> Field:
        """The wall-normal velocity `v` of the nearest velocity without divergence or slip.

        A velocity without divergence has the horizontal divergence `-v'`, so its distance from a given one is

            sum over modes of the integral of |v - v_given|^2 + |v' + d_given|^2 / k^2

        and `v` is its least, among the polynomials with `v = v' = 0` at the walls. It is an orthogonal projection: what
        has neither divergence nor slip stays as it is.

        **Arguments:** `v_given`; `d_given = i kx u_given + i kz w_given`; `k^2`.
        """
        source = spectral.scaled(along_y(self.weighted_values, normal_velocity), wavenumber_squared)
        source -= along_y(self.weighted_slopes, divergence)
        coefficients = spectral.scaled(source, 1.0 / (wavenumber_squared + self.stiffness))
        return along_y(self.values, coefficients)


@lru_cache
def clamped_basis(num_points: int) -> ClampedBasis:
    """The basis on `num_points` Chebyshev points."""
    derivative, weights = derivative_matrix(num_points), quadrature_weights(num_points)
    walls = np.concatenate([np.eye(num_points)[[0, -1]], derivative[[0, -1]]])
    root = np.sqrt(weights)
    orthonormal = null_space(walls / root) / root[:, None]
    slopes = derivative @ orthonormal
    stiffness, rotation = eigh(slopes.T @ (weights[:, None] * slopes))
    values, slopes = orthonormal @ rotation, slopes @ rotation
    return ClampedBasis(values, values.T * weights, slopes.T * weights, stiffness[:, None, None])
