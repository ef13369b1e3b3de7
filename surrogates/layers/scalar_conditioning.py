"""Conditioning of a field by a few numbers, such as a lead time or a coefficient of the equation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.gelu import gelu
from fieldcast.surrogates.layers.initialisation import zero_initialised


def sinusoidal_embedding(
    value: Float[Array, ""], width: int, longest_period: float = 10_000.0
) -> Float[Array, " width"]:
    """A number as cosines and sines of geometrically spaced frequencies.

    `(cos(s omega_i), sin(s omega_i))`, with `omega_i = longest_period^(-i / (width / 2))`

    **Arguments:**

    - `value`: `s` [-].
    - `width`: even.
    - `longest_period`: over `2 pi`, of the slowest wave.
    """
    frequencies = longest_period ** (-np.arange(width // 2) / (width // 2))
    phases = value * jnp.asarray(frequencies, dtype=value.dtype)
    return jnp.concatenate([jnp.cos(phases), jnp.sin(phases)])


class ScalarEmbedding(eqx.Module):
    """One token for a few numbers: the sum of one perceptron's answer to each.

    `z = sum_p MLP_p(embedding(s_p))`, with `MLP_p = W_2 GELU(W_1 . + b_1) + b_2`

    **Arguments:**

    - `num_scalars`: how many numbers.
    - `width`: of the sinusoidal embedding, even.
    - `token_width`: of the hidden layer and of the token.
    - `key`.
    """

    perceptrons: tuple[eqx.nn.MLP, ...]
    width: int = eqx.field(static=True)

    def __init__(self, num_scalars: int, width: int, token_width: int, *, key: PRNGKeyArray):
        if width % 2:
            raise ValueError(f"The embedding has as many sines as cosines; its width must be even, got {width}.")
        self.perceptrons = tuple(
            eqx.nn.MLP(width, token_width, token_width, depth=1, activation=gelu, key=k)
            for k in jax.random.split(key, num_scalars)
        )
        self.width = width

    def __call__(self, scalars: Float[Array, " scalar"]) -> Float[Array, " token"]:
        tokens = [
            perceptron(sinusoidal_embedding(scalars[index], self.width))
            for index, perceptron in enumerate(self.perceptrons)
        ]
        return sum(tokens[1:], tokens[0])


class Shift(eqx.Module):
    """Add to every channel what a token says; the smaller sister of `FiLM`.

    `y[c] = x[c] + beta[c]`, with `beta = W token + b`

    `W` and `b` are zero at initialisation, so the layer starts as the identity.

    **Arguments:** `token_width`, `channels`, and `key`.
    """

    linear: eqx.nn.Linear

    def __init__(self, token_width: int, channels: int, *, key: PRNGKeyArray):
        self.linear = zero_initialised(eqx.nn.Linear(token_width, channels, key=key))

    def __call__(
        self, x: Float[Array, "channel *space"], token: Float[Array, " token"]
    ) -> Float[Array, "channel *space"]:
        return x + jnp.expand_dims(self.linear(token), range(1, x.ndim))
