"""Convolutions with zero padding that keep the grid."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.initialisation import uniform_weight_and_bias


def convolve(
    x: Float[Array, "in_channel *space"], weight: Float[Array, "out_channel in_channel *kernel"]
) -> Float[Array, "out_channel *space"]:
    """Correlate a channel-first field with an odd kernel; outside the grid the field is zero.

    `y[o, n] = sum_{i, k} weight[o, i, k] x[i, n + k - (K - 1) / 2]`

    Differentiable in reverse mode (in three dimensions on a CPU not in forward mode).

    **Arguments:**

    - `x`: a field on a grid of 1 to 3 axes.
    - `weight`: kernels of odd size along every axis.

    **Returns:** a field on the same grid.
    """
    if weight.ndim == 5 and jax.default_backend() == "cpu":
        return _convolve_planes(x, weight)
    return _convolve_direct(x, weight)


def _convolve_direct(x: Array, weight: Array) -> Array:
    padding = [(size // 2, size // 2) for size in weight.shape[2:]]
    return lax.conv_general_dilated(x[None], weight, (1,) * len(padding), padding)[0]


@jax.custom_vjp
def _convolve_planes(x: Array, weight: Array) -> Array:
    """A 3-D convolution with a gradient whose parts are again of the form that is fast on a CPU."""
    return _planes(x, weight)


def _forward(x: Array, weight: Array) -> tuple[Array, tuple[Array, Array]]:
    return _planes(x, weight), (x, weight)


def _backward(residuals: tuple[Array, Array], cotangent: Array) -> tuple[Array, Array]:
    x, weight = residuals
    mirrored = jnp.flip(jnp.swapaxes(weight, 0, 1), (2, 3, 4))
    (weight_gradient,) = jax.linear_transpose(lambda w: _planes(x, w), weight)(cotangent)
    return _convolve_planes(cotangent, mirrored), weight_gradient


_convolve_planes.defvjp(_forward, _backward)


def _planes(x: Array, weight: Array) -> Array:
    """A 3-D convolution as one 2-D convolution of all planes, with the planes next to each as further channels.

    XLA's 3-D convolution on the CPU is several times slower than this, most of all its gradient in the weight.
    """
    out_channels, in_channels, depth, height, width = weight.shape
    planes = x.shape[1]
    padded = jnp.pad(x, ((0, 0), (depth // 2, depth // 2), (0, 0), (0, 0)))
    neighbours = jnp.stack([padded[:, shift : shift + planes] for shift in range(depth)])
    neighbours = neighbours.reshape(depth * in_channels, *x.shape[1:])
    kernel = jnp.swapaxes(weight, 1, 2).reshape(out_channels, depth * in_channels, height, width)
    y = lax.conv_general_dilated(
        jnp.transpose(neighbours, (1, 2, 3, 0)),  # channels last: what the CPU's convolution wants
        jnp.transpose(kernel, (2, 3, 1, 0)),
        window_strides=(1, 1),
        padding=[(height // 2, height // 2), (width // 2, width // 2)],
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return jnp.moveaxis(y, -1, 0)


class Conv(eqx.Module):
    """A convolution with bias, zero padding and stride one, in 1, 2 or 3 dimensions.

    `y[o] = bias[o] + sum_i weight[o, i] * x[i]`

    Its values are those of `equinox.nn.Conv` with padding `"SAME"`; in three dimensions on a CPU it is faster.

    **Arguments:**

    - `num_spatial_dims`: 1, 2 or 3.
    - `in_channels`, `out_channels`.
    - `kernel_size`: odd number of grid points along every axis.
    - `key`: for the initial values, uniform in `+-1 / sqrt(in_channels kernel_size^d)`.
    """

    weight: Float[Array, "out_channel in_channel *kernel"]
    bias: Float[Array, " out_channel"]

    def __init__(
        self, num_spatial_dims: int, in_channels: int, out_channels: int, kernel_size: int = 3, *, key: PRNGKeyArray
    ):
        if num_spatial_dims not in (1, 2, 3):
            raise ValueError(f"A convolution has 1, 2 or 3 spatial dimensions, got {num_spatial_dims}.")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"The kernel size must be odd, so that the kernel has a middle; got {kernel_size}.")
        shape = (out_channels, in_channels, *(kernel_size,) * num_spatial_dims)
        self.weight, self.bias = uniform_weight_and_bias(shape, math.prod(shape[1:]), key=key)

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        return convolve(x, self.weight) + jnp.expand_dims(self.bias, range(1, x.ndim))
