"""Changing the resolution of channel-first fields.

Two conventions meet here. For `average_pool`, `upsample`, `bicubic_upsample` and `cell_resample` a value belongs to a
*cell*, and a coarse cell has the same middle as the fine cells that it is made of. For `fourier_resample` and
`linear_resample` it belongs to a *point*, and the first point stays where it is: the same function, seen on another
grid.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

BICUBIC = (-0.03515625, 0.26171875, 0.87890625, -0.10546875)
"""Cubic convolution with `a = -0.75`, a quarter of a cell before the third of four neighbours."""


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


def bicubic_upsample(x: Float[Array, "channel *space"], periodic: tuple[bool, ...]) -> Float[Array, "channel *fine"]:
    """Double the resolution along every axis by cubic convolution between the centres of the cells, with `a = -0.75`.

    `y[2i] = sum_k w_k x[i - 2 + k]`,   `y[2i + 1] = sum_k w_{3 - k} x[i - 1 + k]`

    with `w = (-0.03515625, 0.26171875, 0.87890625, -0.10546875)`: the value of `a` that PyTorch uses (JAX's
    `image.resize` has -0.5). A tensor product over the axes, in any dimension.

    **Arguments:**

    - `x`.
    - `periodic`: one bool an axis; indices beyond the grid are wrapped where it is true, clamped where not.

    Keys 1981, doi:10.1109/TASSP.1981.1163711.
    """
    for axis, wraps in enumerate(periodic, start=1):
        widths = [(2, 2) if other == axis else (0, 0) for other in range(x.ndim)]
        padded, n = jnp.pad(x, widths, mode="wrap" if wraps else "edge"), x.shape[axis]
        even = sum(w * lax.slice_in_dim(padded, k, k + n, axis=axis) for k, w in enumerate(BICUBIC))
        odd = sum(w * lax.slice_in_dim(padded, k + 1, k + 1 + n, axis=axis) for k, w in enumerate(BICUBIC[::-1]))
        x = jnp.stack([even, odd], axis=axis + 1).reshape(*x.shape[:axis], 2 * n, *x.shape[axis + 1 :])
    return x


def fourier_resample(x: Float[Array, "channel *space"], shape: tuple[int, ...]) -> Float[Array, "channel *other"]:
    """The trigonometric interpolant of a periodic field, on another grid of the same domain.

    Exact for a field whose waves both grids resolve; waves finer than the new grid are removed. Of an even grid's
    highest wave, which has a cosine only, half goes to either sign of the wavenumber.

    **Arguments:**

    - `x`: a field on periodic, endpoint-free axes.
    - `shape`: points of the new grid along each axis.
    """
    for axis, num_points in enumerate(shape, start=1):
        if num_points != x.shape[axis]:
            x = _fourier_resample(x, num_points, axis)
    return x


def _fourier_resample(x: Array, new: int, axis: int) -> Array:
    old = x.shape[axis]
    kept = min(old, new)
    spectrum = lax.slice_in_dim(jnp.fft.rfft(x, axis=axis, norm="forward"), 0, kept // 2 + 1, axis=axis)
    if kept % 2 == 0:  # the smaller grid's highest wave stands for both signs there, but not on the larger grid
        factor = np.ones(kept // 2 + 1)
        factor[-1] = 0.5 if new > old else 2.0
        factor = _along(factor, axis, x)
        spectrum = lax.complex(jnp.real(spectrum) * factor, jnp.imag(spectrum) * factor)
    return jnp.fft.irfft(spectrum, n=new, axis=axis, norm="forward")


def linear_resample(
    x: Float[Array, "channel *space"], shape: tuple[int, ...], periodic: tuple[bool, ...]
) -> Float[Array, "channel *other"]:
    """The piecewise linear interpolant of a field, on another grid of the same domain.

    Point `j` of `new` lies at `j old / new` between the points of the old grid, so that grids which divide each other
    share their points. After the last point the field goes on to its first where it is periodic, and stays constant
    where not.

    **Arguments:**

    - `x`.
    - `shape`: points of the new grid along each axis.
    - `periodic`: one bool an axis.
    """
    return _between(x, shape, periodic, lambda new, old: np.arange(new) * (old / new))


def cell_resample(
    x: Float[Array, "channel *space"], shape: tuple[int, ...], periodic: tuple[bool, ...]
) -> Float[Array, "channel *other"]:
    """The linear interpolant between the centres of the cells, at the centres of the cells of another grid.

    **Arguments:** as of `linear_resample`; beyond the outermost centres a field that is not periodic stays constant.
    """
    return _between(x, shape, periodic, lambda new, old: (np.arange(new) + 0.5) * (old / new) - 0.5)


def _between(
    x: Array, shape: tuple[int, ...], periodic: tuple[bool, ...], places: Callable[[int, int], np.ndarray]
) -> Array:
    """Linear interpolation at `places` of the new grid, counted in points of the old one."""
    for axis, (new, wraps) in enumerate(zip(shape, periodic, strict=True), start=1):
        old = x.shape[axis]
        if new == old:
            continue
        left = np.floor(places(new, old)).astype(int)
        share = _along(places(new, old) - left, axis, x)
        ends = [index % old if wraps else np.clip(index, 0, old - 1) for index in (left, left + 1)]
        x = (1.0 - share) * jnp.take(x, ends[0], axis=axis) + share * jnp.take(x, ends[1], axis=axis)
    return x


def _along(vector: np.ndarray, axis: int, x: Array) -> Array:
    """A vector that broadcasts along one axis of `x`, in its precision."""
    return jnp.asarray(vector, x.dtype).reshape(tuple(-1 if other == axis else 1 for other in range(x.ndim)))
