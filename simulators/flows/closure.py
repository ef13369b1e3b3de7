"""The contract of subgrid closures, and the strain rate they are made of."""

import abc
import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, DTypeLike, Float

from fieldcast.simulators.stepper import FlowGrid


class Resolution(eqx.Module):
    """What a closure sees of the grid that resolves a flow.

    **Arguments:**

    - `grid`: three-dimensional; periodic axes are homogeneous and equally spaced, the ends of the others are walls.

    What counts is what the flow resolves, not where it is sampled: the fields may have more points along a periodic
    axis than the grid. A solver that keeps two thirds of the modes of its grid gives the grid of these. Along the other
    axes the fields have the points of the grid.
    """

    grid: FlowGrid

    def __check_init__(self):
        if len(self.grid.periodic) != 3:
            raise ValueError(
                f"Closures are for flows in three dimensions, got a grid with axes {self.grid.axis_names}."
            )

    @property
    def homogeneous(self) -> tuple[int, ...]:
        """The periodic axes of the fields' space."""
        return tuple(axis for axis, periodic in enumerate(self.grid.periodic) if periodic)

    def width(self, dtype: DTypeLike = float) -> Float[Array, "x y z"]:
        """The filter width, one along periodic axes, so that it broadcasts against the fields.

            Delta = (dx dy dz)^(1/3)

        Along an axis with walls the spacing of a point is half the distance of its neighbours, at the wall the
        distance to the one neighbour.
        """
        volume = math.prod(np.ix_(*self._spacings()))
        return jnp.asarray(np.cbrt(volume), dtype)

    def wall_distance(self, dtype: DTypeLike = float) -> Float[Array, "x y z"]:
        """Distance from the nearest wall, of the width's shape.

        **Raises:** `ValueError` if every axis is periodic.
        """
        if all(self.grid.periodic):
            raise ValueError(
                f"Every axis of {self.grid} is periodic; what needs the distance from a wall needs an axis with walls."
            )
        distances = (
            np.array([np.inf]) if periodic else np.minimum(np.abs(axis - axis[0]), np.abs(axis - axis[-1]))
            for axis, periodic in zip(self.grid.axes(), self.grid.periodic, strict=True)
        )
        x, y, z = np.ix_(*distances)
        return jnp.asarray(np.minimum(np.minimum(x, y), z), dtype)

    def _spacings(self) -> tuple[np.ndarray, ...]:
        axes = zip(self.grid.axes(), self.grid.weights(), self.grid.periodic, strict=True)
        return tuple(weights[:1] if periodic else np.abs(np.gradient(axis)) for axis, weights, periodic in axes)


class Closure(eqx.Module):
    """An eddy-viscosity model of the scales that a grid does not resolve.

        du_i/dt = ... + d/dx_j (2 nu_t S_ij),        S_ij = (du_i/dx_j + du_j/dx_i) / 2

    A closure is a pure function of the resolved velocity in physical space; its constants are leaves, so gradients
    and sweeps reach them.
    """

    @abc.abstractmethod
    def eddy_viscosity(
        self, velocity: Float[Array, "3 *space"], gradient: Float[Array, "3 3 *space"], resolution: Resolution
    ) -> Float[Array, "*space"]:
        """The eddy viscosity nu_t at every point.

        **Arguments:**

        - `velocity`: `u_i`.
        - `gradient`: `gradient[i, j]` is `du_i/dx_j`.
        - `resolution`: of the grid that resolves the flow.

        **Returns:** nu_t, in the scales of velocity times length.
        """


def strain_rate(gradient: Float[Array, "3 3 *space"]) -> Float[Array, "3 3 *space"]:
    """`S_ij = (du_i/dx_j + du_j/dx_i) / 2`."""
    return 0.5 * (gradient + jnp.swapaxes(gradient, 0, 1))


def contraction(a: Float[Array, "3 3 *space"], b: Float[Array, "3 3 *space"]) -> Float[Array, "*space"]:
    """`a_ij b_ij` at every point."""
    # Term by term: XLA's sum over the first axes takes forty times as long on CPU.
    return sum(a[i, j] * b[i, j] for i in range(3) for j in range(3))


def squared(tensor: Float[Array, "3 3 *space"]) -> Float[Array, "3 3 *space"]:
    """`a_ik a_kj` at every point."""
    rows = [[sum(tensor[i, k] * tensor[k, j] for k in range(3)) for j in range(3)] for i in range(3)]
    return jnp.stack([jnp.stack(row) for row in rows])


def deviator(tensor: Float[Array, "3 3 *space"]) -> Float[Array, "3 3 *space"]:
    """`a_ij - a_kk delta_ij / 3`."""
    trace = tensor[0, 0] + tensor[1, 1] + tensor[2, 2]
    identity = jnp.eye(3, dtype=tensor.dtype).reshape((3, 3) + (1,) * trace.ndim)
    return tensor - identity * (trace / 3.0)[None, None]


def strain_magnitude(strain: Float[Array, "3 3 *space"]) -> Float[Array, "*space"]:
    """`|S| = sqrt(2 S_ij S_ij)`; its derivative at rest is taken as zero."""
    square = 2.0 * contraction(strain, strain)
    moving = square > 0
    return jnp.where(moving, jnp.sqrt(jnp.where(moving, square, 1.0)), 0.0)


def subgrid_stress(
    eddy_viscosity: Float[Array, "*space"], gradient: Float[Array, "3 3 *space"]
) -> Float[Array, "3 3 *space"]:
    """`2 nu_t S_ij`, the stress whose divergence accelerates the resolved flow."""
    return 2.0 * eddy_viscosity[None, None] * strain_rate(gradient)
