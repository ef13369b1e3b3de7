"""Changing the resolution of channel-first fields."""

import jax
from jax import lax
from jaxtyping import Array, Float


def average_pool(x: Float[Array, "channel *space"]) -> Float[Array, "channel *coarse"]:
    """Halve the resolution along every axis: the mean over cells of two points a side.

    **Raises:** `ValueError` when an axis has an odd number of points.
    """
    if any(n % 2 for n in x.shape[1:]):
        raise ValueError(f"Only even grids can be halved, got {x.shape[1:]}; pad or crop the field first.")
    for axis in range(1, x.ndim):
        x = 0.5 * (lax.slice_in_dim(x, 0, None, 2, axis) + lax.slice_in_dim(x, 1, None, 2, axis))
    return x


def upsample(x: Float[Array, "channel *space"], factor: int = 2) -> Float[Array, "channel *fine"]:
    """Raise the resolution along every axis by linear interpolation between the centres of the cells.

    Beyond the outermost centres the field is continued as constant. The converse of `average_pool`: a point of the
    coarse grid lies in the middle of the `factor^d` points it becomes.
    """
    shape = (x.shape[0], *(factor * n for n in x.shape[1:]))
    return jax.image.resize(x, shape, method="linear")
