"""The same affine map at every point."""

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.channel_product import channel_product
from fieldcast.surrogates.layers.initialisation import uniform_weight_and_bias


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
        self.weight, bias = uniform_weight_and_bias((out_channels, in_channels), in_channels, key=key)
        self.bias = bias if use_bias else None

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        y = channel_product(self.weight, x.reshape(x.shape[0], -1))
        if self.bias is not None:
            y = y + self.bias[:, None]
        return y.reshape(-1, *x.shape[1:])
