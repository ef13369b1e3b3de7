"""The same affine map at every point."""

import math

import equinox as eqx
import jax.random as jrandom
from jaxtyping import Array, Float, PRNGKeyArray


class Pointwise(eqx.Module):
    """An affine map of the channels, the same at every point (a convolution with a kernel of one point).

    `y[o, n] = bias[o] + sum_i weight[o, i] x[i, n]`

    **Arguments:**

    - `in_channels`, `out_channels`.
    - `use_bias`: whether there is one.
    - `key`: for the initial values, uniform in `+-1/sqrt(in_channels)`.
    """

    weight: Float[Array, "out_channel in_channel"]
    bias: Float[Array, " out_channel"] | None

    def __init__(self, in_channels: int, out_channels: int, use_bias: bool = True, *, key: PRNGKeyArray):
        weight_key, bias_key = jrandom.split(key)
        limit = 1.0 / math.sqrt(in_channels)
        shape = (out_channels, in_channels)
        self.weight = jrandom.uniform(weight_key, shape, dtype=float, minval=-limit, maxval=limit)
        self.bias = None
        if use_bias:
            self.bias = jrandom.uniform(bias_key, (out_channels,), dtype=float, minval=-limit, maxval=limit)

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        y = self.weight @ x.reshape(x.shape[0], -1)
        if self.bias is not None:
            y = y + self.bias[:, None]
        return y.reshape(-1, *x.shape[1:])
