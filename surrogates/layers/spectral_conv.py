"""Convolutions over the whole domain, as multiplications of the lowest Fourier coefficients."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jrandom
from jaxtyping import Array, Complex, Float, PRNGKeyArray


class SpectralConv(eqx.Module):
    """A periodic convolution with a learned band-limited kernel, by the Fourier coefficients that it keeps.

    `y(x) = bias + sum_k W_k u_k exp(2 pi i k . x / L)`, with `u_k` the Fourier coefficients of the input

    Along every axis but the last the sum runs over `k = -(modes // 2) ... (modes - 1) // 2`, along the last over
    `k = 0 ... modes // 2`; the rest follows because fields are real. On a grid too coarse for all of them, those that
    it holds are used. Coefficients do not depend on the grid, so neither does the layer, for fields that both grids
    resolve; odd and even grids alike.

    **Arguments:**

    - `in_channels`, `out_channels`.
    - `modes`: number of coefficients along each of 1 to 3 axes, both signs counted.
    - `key`: for the initial values, complex normal of variance `2 / (in_channels + out_channels)`.

    The parameters are the real and imaginary parts, as real numbers: optimisers need to know nothing of complex ones.
    Half-precision fields are transformed in single precision.

    Li et al. 2021, arXiv:2010.08895.
    """

    weight: Float[Array, "part *mode in_channel out_channel"]
    bias: Float[Array, " out_channel"]

    def __init__(self, in_channels: int, out_channels: int, modes: tuple[int, ...], *, key: PRNGKeyArray):
        if len(modes) not in (1, 2, 3) or any(n < 1 for n in modes):
            raise ValueError(f"Needed: a positive number of modes along each of 1 to 3 axes, got {modes}.")
        weight_key, bias_key = jrandom.split(key)
        deviation = math.sqrt(2.0 / (in_channels + out_channels))
        shape = (2, *modes[:-1], modes[-1] // 2 + 1, in_channels, out_channels)
        self.weight = deviation / math.sqrt(2.0) * jrandom.normal(weight_key, shape, dtype=float)
        self.bias = deviation * jrandom.normal(bias_key, (out_channels,), dtype=float)

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        spectrum = low_frequencies(x, self.weight.shape[1:-2])
        weight = self.weight
        for axis, kept in enumerate(spectrum.shape[1:-1], start=1):
            weight = _central(weight, kept, axis)
        weight = jax.lax.slice_in_dim(weight, 0, spectrum.shape[-1], axis=-3)
        kept, channels = spectrum.shape[1:], weight.shape[-2:]
        product = complex_product(spectrum.reshape(x.shape[0], 1, -1), weight.reshape(2, -1, *channels))
        y = from_low_frequencies(product.reshape(-1, *kept), x.shape[1:])
        return y.astype(x.dtype) + jnp.expand_dims(self.bias, range(1, x.ndim))


class FactorisedSpectralConv(eqx.Module):
    """A sum of one-dimensional spectral convolutions, one along each axis.

    `y = sum_a y_a`,   `y_a(x) = Re sum_k c_k W_{a,k} u_{a,k} exp(2 pi i k x_a / L_a)`, with `k = 0 ... modes - 1`

    where `u_{a,k}` are the coefficients along axis `a` alone, and `c_k` is 2 except for `k = 0` and the highest
    frequency of an even grid, where it is 1. Parameters grow with the sum of the modes, not with their product.

    **Arguments:**

    - `in_channels`, `out_channels`, `num_spatial_dims`.
    - `modes`: number of coefficients along each axis, `k = 0` included.
    - `gain`: factor of the initial values, which are normal with variance `gain^2 / (modes (in + out))`.
    - `key`.

    Tran et al. 2023, arXiv:2111.13802.
    """

    weights: tuple[Float[Array, "part mode in_channel out_channel"], ...]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_spatial_dims: int,
        modes: int,
        gain: float = 1.0,
        *,
        key: PRNGKeyArray,
    ):
        deviation = gain / math.sqrt(modes * (in_channels + out_channels))
        shape = (2, modes, in_channels, out_channels)
        keys = jrandom.split(key, num_spatial_dims)
        self.weights = tuple(deviation * jrandom.normal(k, shape, dtype=float) for k in keys)

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        terms = []
        for axis, weight in enumerate(self.weights, start=1):
            lines = jnp.moveaxis(x, axis, -1)
            spectrum = _real_transform(lines)[..., : weight.shape[1]]
            rows = spectrum.reshape(x.shape[0], -1, spectrum.shape[-1])
            product = complex_product(rows, weight[:, : spectrum.shape[-1]])
            y = _real_inverse(product.reshape(-1, *spectrum.shape[1:]), lines.shape[-1])
            terms.append(jnp.moveaxis(y, -1, axis))
        return sum(terms[1:], terms[0]).astype(x.dtype)


def low_frequencies(x: Float[Array, "channel *space"], kept: tuple[int, ...]) -> Complex[Array, "channel *mode"]:
    """The lowest Fourier coefficients of a real field, `u_k = mean_n x_n exp(-2 pi i k n / N)`.

    Every transform is taken of what the one before has kept.

    **Arguments:**

    - `x`: a field.
    - `kept`: how many coefficients along each axis, `k = 0 ... kept - 1` along the last, and
      `0, 1 ... (kept - 1) // 2, -(kept // 2) ... -1` along the others; less where the grid has less.
    """
    spectrum = _real_transform(x)[..., : kept[-1]]
    for axis, num_kept in enumerate(kept[:-1], start=1):
        spectrum = _central(jnp.fft.fft(spectrum, axis=axis, norm="forward"), num_kept, axis)
    return spectrum


def from_low_frequencies(
    spectrum: Complex[Array, "channel *mode"], shape: tuple[int, ...]
) -> Float[Array, "channel *space"]:
    """The real field on a grid of `shape` that has the coefficients of `low_frequencies`, and zeros elsewhere.

    Coefficients that contradict a real field (of `k = 0` and, on even grids, of the highest frequency along the last
    axis) count with their Hermitian part.
    """
    for axis, num_points in enumerate(shape[:-1], start=1):
        spectrum = jnp.fft.ifft(_with_zeros(spectrum, num_points, axis), axis=axis, norm="forward")
    return _real_inverse(spectrum, shape[-1])


def complex_product(
    spectrum: Complex[Array, "in_channel row mode"], weight: Float[Array, "part mode in_channel out_channel"]
) -> Complex[Array, "out_channel row mode"]:
    """`sum_i spectrum[i, r, k] (weight[0, k, i, o] + i weight[1, k, i, o])`, by real matrices that are read once."""
    parts = jnp.stack([jnp.real(spectrum), jnp.imag(spectrum)])
    products = jnp.einsum("pirk,qkio->qpork", parts, weight.astype(parts.dtype))
    return jax.lax.complex(products[0, 0] - products[1, 1], products[0, 1] + products[1, 0])


def _real_transform(x: Float[Array, "channel *space"]) -> Complex[Array, "channel *mode"]:
    """Transform along the last axis."""
    x = x if x.dtype.itemsize >= 4 else x.astype(jnp.float32)  # there are no transforms in half precision
    return jnp.fft.rfft(x, axis=-1, norm="forward")


def _real_inverse(spectrum: Complex[Array, "channel *mode"], num_points: int) -> Float[Array, "channel *space"]:
    """Inverse along the last axis. Fourier libraries differ in what they make of an imaginary part that cannot be."""
    index = jnp.arange(spectrum.shape[-1])
    is_real = jnp.broadcast_to((index == 0) | (2 * index == num_points), spectrum.shape)
    imaginary = jnp.where(is_real, 0.0, jnp.imag(spectrum))
    return jnp.fft.irfft(jax.lax.complex(jnp.real(spectrum), imaginary), n=num_points, axis=-1, norm="forward")


def _central(array: Array, num_kept: int, axis: int) -> Array:
    """The frequencies `-(num_kept // 2) ... (num_kept - 1) // 2` of an axis in FFT order, in FFT order."""
    size = array.shape[axis]
    if num_kept >= size:
        return array
    low = jax.lax.slice_in_dim(array, 0, (num_kept + 1) // 2, axis=axis)
    return jnp.concatenate([low, jax.lax.slice_in_dim(array, size - num_kept // 2, size, axis=axis)], axis)


def _with_zeros(spectrum: Array, num_points: int, axis: int) -> Array:
    """The converse of `_central`: zeros between the positive and the negative frequencies."""
    size = spectrum.shape[axis]
    if num_points == size:
        return spectrum
    middle = list(spectrum.shape)
    middle[axis] = num_points - size
    positive = jax.lax.slice_in_dim(spectrum, 0, (size + 1) // 2, axis=axis)
    negative = jax.lax.slice_in_dim(spectrum, (size + 1) // 2, size, axis=axis)
    return jnp.concatenate([positive, jnp.zeros(middle, spectrum.dtype), negative], axis)
