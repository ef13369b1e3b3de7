"""Convolutions with zero padding that keep the grid."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


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
