"""Fields on a grid as more channels on a coarser grid, and back; nothing is lost."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float


def to_patches(x: Float[Array, "channel *space"], size: int | tuple[int, ...]) -> Float[Array, "patch_channel *coarse"]:
    """Turn every cube of `size` points a side, or box of so many along each axis, into channels of one coarse point.

    **Raises:** `ValueError` when `size` does not divide the grid.
    """
    shape = x.shape[1:]
    ndim = len(shape)
    sizes = (size,) * ndim if isinstance(size, int) else size
    if any(n % side for n, side in zip(shape, sizes, strict=True)):
        raise ValueError(f"Patches of {size} points a side do not divide a grid of shape {shape}.")
    coarse = tuple(n // side for n, side in zip(shape, sizes, strict=True))
    split = x.reshape(x.shape[0], *(part for pair in zip(coarse, sizes, strict=True) for part in pair))
    inner = tuple(2 * axis + 2 for axis in range(ndim))
    outer = tuple(2 * axis + 1 for axis in range(ndim))
    return jnp.transpose(split, (0, *inner, *outer)).reshape(-1, *coarse)


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
