"""Normalisations whose sums are integrals."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class ChannelNorm(eqx.Module):
    """Layer normalisation over the channels, at every point on its own; independent of the grid.

    `y[c] = weight[c] (x[c] - mean_c x) / sqrt(var_c x + 1e-5) + bias[c]`

    1e-5 is what PyTorch adds; the published vision transformers add 1e-12.

    Ba et al. 2016, arXiv:1607.06450.
    """

    weight: Float[Array, " channel"]
    bias: Float[Array, " channel"]

    def __init__(self, channels: int):
        self.weight = jnp.ones(channels)
        self.bias = jnp.zeros(channels)

    def __call__(self, x: Float[Array, "channel *space"]) -> Float[Array, "channel *space"]:
        centred = x - jnp.mean(x, axis=0, keepdims=True)
        scaled = centred / jnp.sqrt(jnp.mean(centred**2, axis=0, keepdims=True) + 1e-5)
        space = range(1, x.ndim)
        return jnp.expand_dims(self.weight, space) * scaled + jnp.expand_dims(self.bias, space)


def standardise(
    x: Float[Array, "channel *space"], weights: Float[Array, "*#space"], over_channels: bool = False
) -> Float[Array, "channel *space"]:
    """Subtract from every channel its mean over the domain, and divide by its standard deviation.

    `y = (x - m) / sqrt(s + 1e-5)`,   `m = int x / int 1`,   `s = int (x - m)^2 / int 1`

    **Arguments:**

    - `x`.
    - `weights`: quadrature weights over the axes that are integrated; an axis of size one is not.
    - `over_channels`: whether the mean is also one over the channels.

    Ulyanov et al. 2016, arXiv:1607.08022 (instance normalisation).
    """
    axes = tuple(a for a, n in enumerate(weights.shape, start=1) if n > 1)
    axes = (0, *axes) if over_channels else axes
    share = jnp.expand_dims(weights / jnp.sum(weights), 0)
    if over_channels:
        share = share / x.shape[0]
    centred = x - jnp.sum(x * share, axis=axes, keepdims=True)
    variance = jnp.sum(centred**2 * share, axis=axes, keepdims=True)
    return centred / jnp.sqrt(variance + 1e-5)
