"""Convolutions that double the resolution."""

import math

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.initialisation import uniform_weight_and_bias
from fieldcast.surrogates.layers.padded_conv import per_axis, unwrap, wrap


class TransposedConv(eqx.Module):
    """A convolution onto a grid of twice as many points an axis: the transpose of one that keeps every second point.

    `y[o, n] = bias[o] + sum_{i, m} weight[o, i, n - 2 m + (K - 2) / 2] x[i, m]`

    **Arguments:**

    - `num_spatial_dims`: 1, 2 or 3.
    - `in_channels`, `out_channels`.
    - `kernel_size`: 2 or 4 points along every axis.
    - `periodic`: one bool for all axes, or one an axis; beyond the others the field is zero.
    - `key`: for the initial values, uniform in `+-1 / sqrt(out_channels kernel_size^d)`.
    """

    weight: Float[Array, "out_channel in_channel *kernel"]
    bias: Float[Array, " out_channel"]
    periodic: tuple[bool, ...] = eqx.field(static=True)

    def __init__(
        self,
        num_spatial_dims: int,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 4,
        *,
        periodic: bool | tuple[bool, ...] = False,
        key: PRNGKeyArray,
    ):
        if kernel_size not in (2, 4):
            raise ValueError(f"The kernel has 2 or 4 points a side, so that the grid is doubled; got {kernel_size}.")
        shape = (out_channels, in_channels, *(kernel_size,) * num_spatial_dims)
        fan_in = out_channels * math.prod(shape[2:])
        self.weight, self.bias = uniform_weight_and_bias(shape, fan_in, key=key)
        self.periodic = per_axis(periodic, num_spatial_dims)

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *fine"]:
        dims, size = x.ndim - 1, self.weight.shape[-1]
        wrapped = tuple(int(wraps) for wraps in self.periodic)
        flipped = jnp.flip(self.weight, range(2, self.weight.ndim))
        padding = [(size // 2, size // 2)] * dims
        y = lax.conv_general_dilated(wrap(x, wrapped)[None], flipped, (1,) * dims, padding, lhs_dilation=(2,) * dims)[0]
        y = unwrap(y, tuple(2 * width for width in wrapped))
        return y + jnp.expand_dims(self.bias, range(1, y.ndim))
