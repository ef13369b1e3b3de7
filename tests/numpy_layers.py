"""Slow and obvious layers in NumPy, for references that share no line with the library."""

import math

import numpy as np
from scipy import ndimage, special


def values(array):
    """An array of a model, in double precision."""
    return np.asarray(array, dtype=np.float64)


def along_channels(vector, ndim):
    return values(vector).reshape(-1, *(1,) * (ndim - 1))


def conv(x, layer, periodic=False, stride=1, dilation=1):
    """One `scipy.ndimage.correlate` a pair of channels, with a kernel that has zeros between its taps."""
    weight = values(layer.weight)
    spread = np.zeros((*weight.shape[:2], *(dilation * (n - 1) + 1 for n in weight.shape[2:])))
    spread[(slice(None), slice(None), *(slice(None, None, dilation),) * (weight.ndim - 2))] = weight
    mode = "grid-wrap" if periodic else "constant"
    y = np.stack([sum(ndimage.correlate(x[i], row[i], mode=mode) for i in range(len(x))) for row in spread])
    return y[(slice(None), *(slice(None, None, stride),) * (x.ndim - 1))] + along_channels(layer.bias, x.ndim)


def pointwise(x, layer):
    y = np.einsum("oi,i...->o...", values(layer.weight), x)
    return y if layer.bias is None else y + along_channels(layer.bias, x.ndim)


def linear(x, layer):
    y = values(layer.weight) @ x
    return y if layer.bias is None else y + values(layer.bias)


def gelu(x):
    return 0.5 * x * (1.0 + special.erf(x / math.sqrt(2.0)))


def standardised(x, axes, eps=1e-5):
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + eps)


def group_norm(x, layer):
    """Of one group: over channels and space."""
    return standardised(x, None) * along_channels(layer.weight, x.ndim) + along_channels(layer.bias, x.ndim)


def layer_norm(x, layer):
    """Over the channels, which come first."""
    return standardised(x, (0,)) * along_channels(layer.weight, x.ndim) + along_channels(layer.bias, x.ndim)


def pool(x):
    """Means over cells of two points a side."""
    for axis in range(1, x.ndim):
        x = np.stack([x.take(range(start, x.shape[axis], 2), axis) for start in (0, 1)]).mean(0)
    return x


def bicubic(x, periodic):
    """Keys' kernel with a = -0.75, evaluated at the distances of the centres of the cells."""
    for axis in range(1, x.ndim):
        x = np.moveaxis(_bicubic_line(np.moveaxis(x, axis, -1), periodic), -1, axis)
    return x


def _bicubic_line(x, periodic):
    a, n = -0.75, x.shape[-1]

    def kernel(t):
        near, far = (a + 2) * t**3 - (a + 3) * t**2 + 1, a * (t**3 - 5 * t**2 + 8 * t - 4)
        return near if t <= 1 else far if t < 2 else 0.0

    columns = []
    for place in (np.arange(2 * n) + 0.5) / 2 - 0.5:
        neighbours = range(math.floor(place) - 1, math.floor(place) + 3)
        indices = [k % n if periodic else min(max(k, 0), n - 1) for k in neighbours]
        columns.append(sum(kernel(abs(place - k)) * x[..., i] for k, i in zip(neighbours, indices, strict=True)))
    return np.stack(columns, axis=-1)
