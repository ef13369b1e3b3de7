"""Kernels of convolutions carried to grids of another distance of points."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def interpolated_kernel(
    weight: Float[Array, "out_channel in_channel *kernel"], scale: float
) -> Float[Array, "out_channel in_channel *other"]:
    """A kernel for points that lie `scale` times as dense, of the same width in the domain.

    Along every axis, with `w` the linear interpolant of the `k` taps and `u` that of the field,

    `y(0) = k / m sum_i w(t_i) u(t_i)`,   `m = max(k, s (k - 1) + 1)` places `t_i` equally spaced from end to end

    On a grid that is denser by a whole number the places are its points, and the kernel has `k' = s (k - 1) + 1` of
    them, scaled by `k / k'`: a quadrature of one and the same integral. Where places fall between points, the weight is
    shared by the two next to them. So on a grid half as dense every tap acts on the linear interpolant of the field,
    and the answer is that of the reference grid up to what the coarse field does not hold.

    **Arguments:**

    - `weight`: kernels of odd size.
    - `scale`: `s`, points of the new grid a point of the old one.

    **Returns:** kernels of an odd number of points, so that they have a middle whatever the scale.

    Berner et al. 2025, arXiv:2506.10973. Its code stretches the kernel by half a tap more on either side. On coarser
    grids it takes `k'` samples of the kernel: of three taps, at half the density, two beside the middle, which forget
    the tap in the middle and move the field by half a point.
    """
    for axis in range(2, weight.ndim):
        matrix = jnp.asarray(_interpolation(weight.shape[axis], scale), weight.dtype)
        weight = jnp.moveaxis(jnp.tensordot(weight, matrix, ((axis,), (1,))), -1, axis)
    return weight


def _interpolation(size: int, scale: float) -> Float[np.ndarray, "new old"]:
    """From the taps to the places, and from the places to the points of the new grid, times `k / m`."""
    half = (size - 1) / 2
    places = np.linspace(-half, half, max(size, round(scale * (size - 1)) + 1))
    reach = math.ceil(scale * half - 1e-9)
    points = np.arange(-reach, reach + 1)
    return size / len(places) * _hat(points[:, None] - scale * places) @ _hat(places[:, None] + half - np.arange(size))


def _hat(distance: np.ndarray) -> np.ndarray:
    return np.maximum(1.0 - abs(distance), 0.0)
