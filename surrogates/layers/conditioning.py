"""Conditioning of a field by a vector."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.initialisation import zero_initialised


class FiLM(eqx.Module):
    """Feature-wise linear modulation: scale and shift every channel by what a token says.

    `y[c] = (1 + gamma[c]) x[c] + beta[c]`, with `(gamma, beta) = W token + b`

    `W` and `b` are zero at initialisation, so the layer starts as the identity.

    **Arguments:** `token_width`, `channels`, and `key`.

    Perez et al. 2018, arXiv:1709.07871.
    """

    linear: eqx.nn.Linear

    def __init__(self, token_width: int, channels: int, *, key: PRNGKeyArray):
        self.linear = zero_initialised(eqx.nn.Linear(token_width, 2 * channels, key=key))

    def __call__(
        self, x: Float[Array, "channel *space"], token: Float[Array, " token"]
    ) -> Float[Array, "channel *space"]:
        gamma, beta = jnp.split(self.linear(token), 2)
        space = range(1, x.ndim)
        return x * jnp.expand_dims(1.0 + gamma, space) + jnp.expand_dims(beta, space)
