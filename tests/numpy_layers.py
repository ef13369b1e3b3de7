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


def frequencies(num_kept):
    """As many as are kept, around zero, in the order of the FFT."""
    return np.concatenate([np.arange((num_kept + 1) // 2), np.arange(-(num_kept // 2), 0)])


def waves(frequency, shape):
    """`exp(2 pi i k . n / N)` on the grid."""
    places = np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij")
    return np.exp(2j * np.pi * sum(k * place for k, place in zip(frequency, places, strict=True)))


def spectral(x, layer, modes):
    """`y = bias + Re sum_k c_k W_k u_k exp(i k x)`, one frequency after the other."""
    x, weight = np.asarray(x), np.asarray(layer.weight)
    shape = x.shape[1:]
    axes = [frequencies(n) for n in modes[:-1]] + [np.arange(modes[-1] // 2 + 1)]
    y = np.zeros((weight.shape[-1], *shape))
    for index in np.ndindex(*(len(axis) for axis in axes)):
        k = [axis[i] for axis, i in zip(axes, index, strict=True)]
        if any(not -(n // 2) <= q <= (n - 1) // 2 for q, n in zip(k[:-1], shape[:-1], strict=True)):
            continue  # a grid too coarse for this one
        if k[-1] > shape[-1] // 2:
            continue
        wave = waves(k, shape)
        coefficients = (x * wave.conj()).reshape(len(x), -1).mean(axis=1)
        matrix = weight[(0, *index)] + 1j * weight[(1, *index)]
        twice = 1.0 if k[-1] == 0 or 2 * k[-1] == shape[-1] else 2.0
        y += twice * np.real(np.multiply.outer(coefficients @ matrix, wave))
    return y + np.asarray(layer.bias).reshape(-1, *(1,) * len(shape))


def spectral_lines(x, layer):
    """Along every axis on its own, `Re sum_k c_k W_k u_k exp(i k x)`, one frequency after the other."""
    x = np.asarray(x)
    y = np.zeros((layer.weights[0].shape[-1], *x.shape[1:]))
    for axis, weight in enumerate(np.asarray(w) for w in layer.weights):
        lines, out = np.moveaxis(x, axis + 1, -1), np.moveaxis(y, axis + 1, -1)
        n = lines.shape[-1]
        for k in range(min(weight.shape[1], n // 2 + 1)):
            wave = np.exp(2j * np.pi * k * np.arange(n) / n)
            value = np.einsum("i...,io->o...", (lines * wave.conj()).mean(-1), weight[0, k] + 1j * weight[1, k])
            out += (1.0 if k == 0 or 2 * k == n else 2.0) * np.real(value[..., None] * wave)
    return y
