"""Pointwise maps with the length of their weights apart from the direction."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.initialisation import uniform_weight_and_bias


class WeightNormPointwise(eqx.Module):
    """An affine map of the channels, the same at every point, whose rows have lengths of their own.

    `y[o, n] = bias[o] + length[o] sum_i direction[o, i] x[i, n] / |direction[o]|`

    **Arguments:** `in_channels`, `out_channels`, and `key` for the initial values, those of `Pointwise`.

    Salimans and Kingma 2016, arXiv:1602.07868.
    """

    direction: Float[Array, "out_channel in_channel"]
    length: Float[Array, " out_channel"]
    bias: Float[Array, " out_channel"]

    def __init__(self, in_channels: int, out_channels: int, *, key: PRNGKeyArray):
        self.direction, self.bias = uniform_weight_and_bias((out_channels, in_channels), in_channels, key=key)
        self.length = jnp.linalg.norm(self.direction, axis=1)

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        scale = self.length / jnp.linalg.norm(self.direction, axis=1)
        y = (scale[:, None] * self.direction) @ x.reshape(x.shape[0], -1) + self.bias[:, None]
        return y.reshape(-1, *x.shape[1:])
