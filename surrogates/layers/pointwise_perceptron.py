"""The same small perceptron at every point."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.gelu import gelu
from fieldcast.surrogates.layers.pointwise import Pointwise


class PointwisePerceptron(eqx.Module):
    """Two affine maps of the channels with a GELU between, the same at every point.

    `y = W_2 GELU(W_1 x + b_1) + b_2`

    **Arguments:** `in_channels`, `hidden_channels`, `out_channels`, and `key`.
    """

    first: Pointwise
    second: Pointwise

    def __init__(self, in_channels: int, hidden_channels: int, out_channels: int, *, key: PRNGKeyArray):
        first_key, second_key = jax.random.split(key)
        self.first = Pointwise(in_channels, hidden_channels, key=first_key)
        self.second = Pointwise(hidden_channels, out_channels, key=second_key)

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        return self.second(gelu(self.first(x)))
