"""A set of tokens summed up in one."""

import math

import equinox as eqx
import jax
import jax.random as jrandom
from jaxtyping import Array, Float, PRNGKeyArray


class AttentionPooling(eqx.Module):
    """The mean of a set of tokens, weighted by what a learned vector finds in each.

    `z = sum_i alpha_i z_i`, with `alpha = softmax_i(w . z_i)`

    The order of the tokens does not matter.

    **Arguments:** `token_width`, and `key` for the initial `w`, normal with standard deviation `1/sqrt(token_width)`.
    """

    weight: Float[Array, " token"]

    def __init__(self, token_width: int, *, key: PRNGKeyArray):
        self.weight = jrandom.normal(key, (token_width,), dtype=float) / math.sqrt(token_width)

    def __call__(self, tokens: Float[Array, "point token"]) -> Float[Array, " token"]:
        return jax.nn.softmax(tokens @ self.weight) @ tokens
