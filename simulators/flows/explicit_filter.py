"""Discrete low-pass filters, as dynamic closures test with: one matrix an axis."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class ExplicitFilter(eqx.Module):
    """A low-pass filter of a periodic axis, twice as wide as the spacing that the flow is resolved with."""

    @abc.abstractmethod
    def transfer(self, phase: Float[np.ndarray, "mode"]) -> Float[np.ndarray, "mode"]:
        """What is left of a wave with a phase of `k dx`, between zero and pi, from one point to the next."""

    def matrix(self, num_points: int, resolved: int) -> Float[np.ndarray, "{num_points} {num_points}"]:
        """The filter as it acts on the points of a periodic axis.

        **Arguments:**

        - `num_points`: of the field.
        - `resolved`: points of the grid that resolves the flow, so `dx` is the length of the axis over `resolved`.
          A field on a padded grid has more points; of what it has beyond the grid nothing is left.
        """
        mode = np.arange(num_points // 2 + 1)
        inside = 2 * mode <= resolved
        gain = np.where(inside, self.transfer(np.where(inside, 2.0 * np.pi * mode / resolved, 0.0)), 0.0)
        return np.fft.irfft(gain[:, None] * np.fft.rfft(np.eye(num_points), axis=0), n=num_points, axis=0)


class SharpCutoff(ExplicitFilter):
    """Keeps the waves longer than four spacings, and nothing else."""

    def transfer(self, phase: Float[np.ndarray, "mode"]) -> Float[np.ndarray, "mode"]:
        return np.where(phase < 0.5 * np.pi * (1.0 - 1e-9), 1.0, 0.0)  # the margin: round-off of the phase


class ThreePoint(ExplicitFilter):
    """`(1/4, 1/2, 1/4)`, the mean over two spacings by the trapezoidal rule."""

    def transfer(self, phase: Float[np.ndarray, "mode"]) -> Float[np.ndarray, "mode"]:
        return 0.5 * (1.0 + np.cos(phase))


class SevenPoint(ExplicitFilter):
    """`(1/64, -3/32, 15/64, 11/16, 15/64, -3/32, 1/64)`, of sixth order, for axes with walls as well.

    D. V. Gaitonde and M. R. Visbal, AFRL-VA-WP-TR-1998-3060 (1998), without its implicit part.
    """

    def transfer(self, phase: Float[np.ndarray, "mode"]) -> Float[np.ndarray, "mode"]:
        return (22.0 + 15.0 * np.cos(phase) - 6.0 * np.cos(2.0 * phase) + np.cos(3.0 * phase)) / 32.0

    def wall_matrix(self, num_points: int) -> Float[np.ndarray, "{num_points} {num_points}"]:
        """The filter along an axis between walls: shorter stencils at the two points beside a wall, none on it.

        **Raises:** `ValueError` for fewer than seven points.
        """
        if num_points < 7:
            raise ValueError(f"The filter needs at least seven points between walls, got {num_points}.")
        matrix = np.zeros((num_points, num_points))
        matrix[0, 0] = 1.0
        matrix[1, :4] = np.array([1.0, 5.0, 3.0, -1.0]) / 8.0
        matrix[2, :6] = np.array([-1.0, 5.0, 22.0, 10.0, -5.0, 1.0]) / 32.0
        for i in range(3, num_points - 3):
            matrix[i, i - 3 : i + 4] = np.array([1.0, -6.0, 15.0, 44.0, 15.0, -6.0, 1.0]) / 64.0
        matrix[-3:] = matrix[2::-1, ::-1]
        return matrix


def filtered(fields: Float[Array, "*channel x y z"], matrices: dict[int, np.ndarray]) -> Float[Array, "*channel x y z"]:
    """Fields after the matrix of each axis of space, `0` to `2`, that has one."""
    for axis, matrix in matrices.items():
        fields = jnp.moveaxis(fields, axis - 3, -1)
        fields = jnp.matmul(fields, jnp.asarray(matrix.T, fields.dtype), precision=jax.lax.Precision.HIGHEST)
        fields = jnp.moveaxis(fields, -1, axis - 3)
    return fields
