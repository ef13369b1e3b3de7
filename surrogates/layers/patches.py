"""Fields on a grid as more channels on a coarser grid, and back; nothing is lost."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float


def to_patches(x: Float[Array, "channel *space"], size: int) -> Float[Array, "patch_channel *coarse"]:
    """Turn every cube of `size` points a side into channels of one coarse point.

    **Raises:** `ValueError` when `size` does not divide the grid.
    """
    shape = x.shape[1:]
    if any(n % size for n in shape):
        raise ValueError(f"Patches of {size} points a side do not divide a grid of shape {shape}.")
    split = x.reshape(x.shape[0], *(part for n in shape for part in (n // size, size)))
    ndim = len(shape)
    inner = tuple(2 * axis + 2 for axis in range(ndim))
    outer = tuple(2 * axis + 1 for axis in range(ndim))
    return jnp.transpose(split, (0, *inner, *outer)).reshape(-1, *(n // size for n in shape))


def from_patches(x: Float[Array, "patch_channel *coarse"], size: int) -> Float[Array, "channel *space"]:
    """The inverse of `to_patches`.

    **Raises:** `ValueError` when the channels are no multiple of the points in a patch.
    """
    shape = x.shape[1:]
    ndim = len(shape)
    if x.shape[0] % size**ndim:
        raise ValueError(f"{x.shape[0]} channels do not make patches of {math.prod((size,) * ndim)} points.")
    split = x.reshape(-1, *(size,) * ndim, *shape)
    pairs = tuple(axis for d in range(ndim) for axis in (1 + ndim + d, 1 + d))
    return jnp.transpose(split, (0, *pairs)).reshape(-1, *(n * size for n in shape))
