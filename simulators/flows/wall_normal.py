"""Derivatives and implicit solves between the walls, all as dense matrix products.

The second derivative of functions that vanish at both walls has, on Chebyshev points, real negative eigenvalues and a
well conditioned eigenbasis (its condition number is about 3 at 200 points). In that basis every Helmholtz problem of
every Fourier mode is a division, so one pair of products solves them all, for any time step.
"""

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Shaped

from fieldcast.simulators import spectral
from fieldcast.simulators.flows.chebyshev import derivative_matrix

HIGHEST = jax.lax.Precision.HIGHEST  # lower ones spoil derivatives and solves on devices that have them
Field = Complex[Array, "y kx kz"]
Scalar = Float[Array, ""]
WavenumberSquared = Float[np.ndarray, "1 kx kz"]


class WallNormal(NamedTuple):
    """Matrices of a number of Chebyshev points.

    With the second derivative cut into columns of the walls and of the interior, `D2 = [D2_walls, D2_inside]`, and the
    rows of the interior, `D2_inside = V diag(eigenvalues) V^-1`: `from_modes = V`, `to_modes = V^-1`,
    `walls_to_modes = V^-1 D2_walls`; `modes_to_slope = D V` in the rows of the walls.
    """

    derivative: Float[np.ndarray, "y y"]
    second_derivative: Float[np.ndarray, "y y"]
    eigenvalues: Float[np.ndarray, "inside 1 1"]
    to_modes: Float[np.ndarray, "inside inside"]
    from_modes: Float[np.ndarray, "inside inside"]
    walls_to_modes: Float[np.ndarray, "inside 2"]
    modes_to_slope: Float[np.ndarray, "2 inside"]

    def dirichlet(self, source: Field, implicit: Scalar, wavenumber_squared: WavenumberSquared) -> Field:
        """`f` with `f - c (f'' - k^2 f) = source` between the walls and `f = 0` at both.

        **Arguments:** `source`, `implicit = c`, and `wavenumber_squared = k^2`.
        """
        modes = spectral.scaled(along_y(self.to_modes, source[1:-1]), self._helmholtz(implicit, wavenumber_squared))
        return between_walls(along_y(self.from_modes, modes))

    def clamped(self, source: Field, implicit: Scalar, wavenumber_squared: WavenumberSquared) -> tuple[Field, Field]:
        """`phi` and `v` with `phi - c (phi'' - k^2 phi) = source`, `v'' - k^2 v = phi`, and `v = v' = 0` at both walls.

        The values of `phi` at the walls are those that make the slope of `v` vanish there: two equations a mode (the
        influence matrix), whose coefficients are sums over the eigenbasis.

        Source: L. Kleiser, U. Schumann, Proc. 3rd GAMM Conf. Numer. Methods Fluid Mech., 1980; J. Kim, P. Moin,
        R. Moser, J. Fluid Mech. 177, 1987, doi:10.1017/S0022112087000892.
        """
        helmholtz = self._helmholtz(implicit, wavenumber_squared)
        poisson = 1.0 / (self.eigenvalues - wavenumber_squared)
        modes = spectral.scaled(along_y(self.to_modes, source[1:-1]), helmholtz)
        slope = along_y(self.modes_to_slope, spectral.scaled(modes, poisson))
        walls = -self._solve_influence(slope, implicit * helmholtz * poisson)
        modes += spectral.scaled(along_y(self.walls_to_modes, walls), implicit * helmholtz)
        inside = along_y(self.from_modes, jnp.stack([modes, spectral.scaled(modes, poisson)], axis=1))
        return jnp.concatenate([walls[:1], inside[:, 0], walls[1:]]), between_walls(inside[:, 1])

    def _solve_influence(self, slope: Field, response: Float[Array, "inside kx kz"]) -> Field:
        """The values of `phi` at the walls that give `v` this slope there."""
        pairs = self.modes_to_slope[:, None, :] * self.walls_to_modes.T  # slope at one wall, from phi at the other
        (lower, from_upper), (from_lower, upper) = jnp.tensordot(pairs, response, 1, precision=HIGHEST)
        determinant = lower * upper - from_upper * from_lower
        at_lower = spectral.scaled(slope[0], upper / determinant) - spectral.scaled(slope[1], from_upper / determinant)
        at_upper = spectral.scaled(slope[1], lower / determinant) - spectral.scaled(slope[0], from_lower / determinant)
        return jnp.stack([at_lower, at_upper])

    def _helmholtz(self, implicit: Scalar, wavenumber_squared: WavenumberSquared) -> Float[Array, "inside kx kz"]:
        return 1.0 / (1.0 + implicit * (wavenumber_squared - self.eigenvalues))


@lru_cache
def wall_normal(num_points: int) -> WallNormal:
    """The matrices of `num_points` Chebyshev points."""
    derivative = derivative_matrix(num_points)
    second = derivative @ derivative
    eigenvalues, vectors = np.linalg.eig(second[1:-1, 1:-1])
    to_modes = np.linalg.inv(vectors.real)
    return WallNormal(
        derivative=derivative,
        second_derivative=second,
        eigenvalues=eigenvalues.real[:, None, None],
        to_modes=to_modes,
        from_modes=vectors.real,
        walls_to_modes=to_modes @ second[1:-1, [0, -1]],
        modes_to_slope=derivative[[0, -1], 1:-1] @ vectors.real,
    )


def along_y(matrix: Float[np.ndarray, "row y"], field: Shaped[Array, "y *rest"]) -> Shaped[Array, "row *rest"]:
    """A real matrix times a field, real or complex, along its first axis."""
    if jnp.iscomplexobj(field):
        return jax.lax.complex(along_y(matrix, jnp.real(field)), along_y(matrix, jnp.imag(field)))
    return jnp.tensordot(matrix, field, 1, precision=HIGHEST)


def between_walls(inside: Shaped[Array, "inside *rest"]) -> Shaped[Array, "y *rest"]:
    """A field that is zero at both walls."""
    return jnp.pad(inside, ((1, 1), *((0, 0),) * (inside.ndim - 1)))
