"""Tokens from points in space."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.fourier_features import fourier_features, num_fourier_features


class PointEncoder(eqx.Module):
    """A token for each point of a set: Fourier features, then layers of `ReLU(LayerNorm(W h + b))`.

    **Arguments:**

    - `num_axes`: coordinates a point.
    - `token_width`: size of the tokens and of the hidden layers.
    - `num_frequencies`: of the Fourier features.
    - `num_layers`.
    - `key`.
    """

    linears: tuple[eqx.nn.Linear, ...]
    norms: tuple[eqx.nn.LayerNorm, ...]
    num_frequencies: int = eqx.field(static=True)

    def __init__(
        self, num_axes: int, token_width: int, num_frequencies: int, num_layers: int = 2, *, key: PRNGKeyArray
    ):
        widths = [num_fourier_features(num_axes, num_frequencies)] + [token_width] * num_layers
        keys = jax.random.split(key, num_layers)
        self.linears = tuple(
            eqx.nn.Linear(before, after, key=k) for before, after, k in zip(widths, widths[1:], keys, strict=False)
        )
        self.norms = tuple(eqx.nn.LayerNorm(token_width) for _ in range(num_layers))
        self.num_frequencies = num_frequencies

    def __call__(self, points: Float[Array, "point axis"]) -> Float[Array, "point token"]:
        hidden = fourier_features(points, self.num_frequencies)
        for linear, norm in zip(self.linears, self.norms, strict=True):
            hidden = jax.nn.relu(jax.vmap(norm)(jax.vmap(linear)(hidden)))
        return hidden
