"""Velocities on the faces of a closed box's cells: derivatives, pressure, advection.

The normal velocity of each cell's faces is kept where the face is, but not on the walls, where it is zero: `n - 1`
values along the velocity's own axis, `n` along the other one (Harlow and Welch, Phys. Fluids 8, 1965, 2182-2189,
doi:10.1063/1.1761178).
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.lax import slice_in_dim
from jaxtyping import Array, Float

from fieldcast.simulators.flows.closed_box import ClosedBox


class FaceVelocity(eqx.Module):
    """A velocity on the inner faces of a box of `n` by `m` cells.

    **Arguments:** `x`, its x component on `n - 1` by `m` faces, and `y`, its y component on `n` by `m - 1` faces.
    """

    x: Float[Array, "x_faces y"]
    y: Float[Array, "x y_faces"]


def with_walls(values: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """Values on inner faces, with the zeros of both walls of an axis added."""
    padding = [(0, 0)] * values.ndim
    padding[axis] = (1, 1)
    return jnp.pad(values, padding)


def between(values: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """The mean of neighbours along an axis: one value fewer."""
    return 0.5 * (slice_in_dim(values, 1, None, axis=axis) + slice_in_dim(values, 0, -1, axis=axis))


def divergence(velocity: FaceVelocity, box: ClosedBox) -> Float[Array, "x y"]:
    """What flows out of each cell, per volume."""
    dx, dy = box.spacing
    return jnp.diff(with_walls(velocity.x, 0), axis=0) / dx + jnp.diff(with_walls(velocity.y, 1), axis=1) / dy


def cosine_basis(num_points: int) -> np.ndarray:
    """Eigenvectors of the second difference with zero gradient at both ends, as orthonormal columns."""
    modes = np.cos(np.pi * np.outer(np.arange(num_points) + 0.5, np.arange(num_points)) / num_points)
    return modes / np.linalg.norm(modes, axis=0)


def cosine_eigenvalues(num_points: int, spacing: float) -> np.ndarray:
    """Eigenvalues of the negative second difference that belong to `cosine_basis`."""
    return (2.0 / spacing * np.sin(0.5 * np.pi * np.arange(num_points) / num_points)) ** 2


def projection(velocity: FaceVelocity, box: ClosedBox) -> FaceVelocity:
    """The nearest velocity without divergence.

        u - grad p,   laplacian p = div u,   dp/dn = 0 on the walls

    The discrete equation is solved exactly, by two matrix products with the cosine modes there and two back.
    """
    (nx, ny), (dx, dy) = box.num_points, box.spacing
    source = divergence(velocity, box)
    basis_x, basis_y = (jnp.asarray(cosine_basis(n), source.dtype) for n in (nx, ny))
    rates_x, rates_y = (jnp.asarray(cosine_eigenvalues(n, h), source.dtype) for n, h in ((nx, dx), (ny, dy)))
    rates = (rates_x[:, None] + rates_y[None]).at[0, 0].set(jnp.inf)  # the mean of the pressure is free
    amplitude = product(basis_x.T, product(source, basis_y)) / rates
    pressure = -product(basis_x, product(amplitude, basis_y.T))
    return FaceVelocity(velocity.x - jnp.diff(pressure, axis=0) / dx, velocity.y - jnp.diff(pressure, axis=1) / dy)


def product(a: Float[Array, "i j"], b: Float[Array, "j k"]) -> Float[Array, "i k"]:
    """The matrix product in full precision, on devices too whose default is less."""
    return jnp.matmul(a, b, precision="highest")


def advection(velocity: FaceVelocity, box: ClosedBox) -> FaceVelocity:
    """`-div(u u)` by means of neighbours; where a velocity has no divergence, its kinetic energy is conserved.

    Source: Harlow and Welch (above); Morinishi et al., J. Comput. Phys. 143, 1998, 90-124, doi:10.1006/jcph.1998.5962.
    """
    dx, dy = box.spacing
    normal_x = between(with_walls(velocity.x, 0), 0) ** 2  # in the cells
    normal_y = between(with_walls(velocity.y, 1), 1) ** 2
    shear = between(velocity.x, 1) * between(velocity.y, 0)  # on the inner corners; on walls it is zero
    shear_x, shear_y = with_walls(shear, 1), with_walls(shear, 0)
    return FaceVelocity(
        -jnp.diff(normal_x, axis=0) / dx - jnp.diff(shear_x, axis=1) / dy,
        -jnp.diff(normal_y, axis=1) / dy - jnp.diff(shear_y, axis=0) / dx,
    )


def laplacian(velocity: FaceVelocity, box: ClosedBox) -> FaceVelocity:
    """The five-point Laplacian between walls that stand still."""
    dx, dy = box.spacing
    return FaceVelocity(
        _second_difference(with_walls(velocity.x, 0), 0, dx) + _second_difference(_mirrored(velocity.x, 1), 1, dy),
        _second_difference(_mirrored(velocity.y, 0), 0, dx) + _second_difference(with_walls(velocity.y, 1), 1, dy),
    )


def _second_difference(values: Float[Array, "..."], axis: int, spacing: float) -> Float[Array, "..."]:
    return jnp.diff(values, n=2, axis=axis) / spacing**2


def _mirrored(values: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """With the values behind both walls that make the tangential velocity zero halfway."""
    first, last = slice_in_dim(values, 0, 1, axis=axis), slice_in_dim(values, -1, None, axis=axis)
    return jnp.concatenate([-first, values, -last], axis=axis)


def to_centres(velocity: FaceVelocity) -> Float[Array, "2 x y"]:
    """Both components in the middles of the cells: the mean of two opposite faces."""
    return jnp.stack([between(with_walls(velocity.x, 0), 0), between(with_walls(velocity.y, 1), 1)])


def from_centres(fields: Float[Array, "2 x y"]) -> FaceVelocity:
    """The velocity on the faces whose means in the cells come closest to `fields`; the inverse of `to_centres`.

    Means of faces determine the faces, as these are fewer. Waves of few cells, which the means damp, are amplified, at
    most `2 n / pi` times.
    """
    inverse_x, inverse_y = (jnp.asarray(_inverse_mean(n), fields.dtype) for n in fields.shape[1:])
    return FaceVelocity(product(inverse_x, fields[0]), product(fields[1], inverse_y.T))


def _inverse_mean(num_points: int) -> np.ndarray:
    """The pseudo-inverse of the mean of inner faces in the cells."""
    mean = 0.5 * (np.eye(num_points, num_points - 1) + np.eye(num_points, num_points - 1, -1))
    return np.linalg.pinv(mean)
