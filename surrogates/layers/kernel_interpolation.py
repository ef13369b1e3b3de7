"""Kernels of convolutions carried to grids of another distance of points."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def interpolated_kernel(
    weight: Float[Array, "out_channel in_channel *kernel"], scale: float
) -> Float[Array, "out_channel in_channel *finer"]:
    """A kernel for points that lie `scale` times as dense, of the same width in the domain.

    `w'_j = k / k' w(j / scale)`,   `k' = scale (k - 1) + 1` along every axis

    with `w` the linear interpolant of the taps: a convolution with `w'` is a quadrature of the same integral.

    **Arguments:**

    - `weight`: kernels of odd size.
    - `scale`: points of the new grid a point of the old one.

    **Raises:** `ValueError` when `k'` is not an odd whole number.

    Berner et al. 2025, arXiv:2506.10973 (whose code stretches the kernel by half a tap more on either side).
    """
    for axis in range(2, weight.ndim):
        matrix = jnp.asarray(_interpolation(weight.shape[axis], scale), weight.dtype)
        weight = jnp.moveaxis(jnp.tensordot(weight, matrix, ((axis,), (1,))), -1, axis)
    return weight


def _interpolation(size: int, scale: float) -> Float[np.ndarray, "new old"]:
    """Rows of linear interpolation between the taps, times `k / k'`."""
    new = round(scale * (size - 1)) + 1
    if new % 2 == 0 or abs(scale * (size - 1) + 1 - new) > 1e-9:
        raise ValueError(
            f"A kernel of {size} points has {scale * (size - 1) + 1:g} on a grid {scale:g} times as dense; it must be "
            "an odd number, so that the kernel has a middle. Choose another grid, or another reference grid."
        )
    places = np.arange(new) / scale if new > 1 else np.zeros(1)
    return size / new * np.maximum(1.0 - abs(places[:, None] - np.arange(size)), 0.0)
