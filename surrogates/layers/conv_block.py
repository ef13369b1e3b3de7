"""Convolution, normalisation, modulation, activation."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.conditioning import FiLM
from fieldcast.surrogates.layers.padded_conv import PaddedConv


class ConvBlock(eqx.Module):
    """A convolution of three points a side, group normalisation, FiLM where asked for, and GELU.

    `y = GELU(FiLM(GroupNorm(Conv(x)), token))`

    Groups hold at least two channels and there are at most eight: with one channel a group, the size of a feature
    relative to the others would be lost.

    **Arguments:**

    - `num_spatial_dims`, `in_channels`, `out_channels`.
    - `token_width`: of the token that modulates the block; no modulation when `None`.
    - `key`.
    """

    conv: PaddedConv
    norm: eqx.nn.GroupNorm
    film: FiLM | None

    def __init__(
        self,
        num_spatial_dims: int,
        in_channels: int,
        out_channels: int,
        token_width: int | None = None,
        *,
        key: PRNGKeyArray,
    ):
        conv_key, film_key = jax.random.split(key)
        self.conv = PaddedConv(num_spatial_dims, in_channels, out_channels, key=conv_key)
        self.norm = eqx.nn.GroupNorm(num_groups(out_channels), out_channels)
        self.film = None if token_width is None else FiLM(token_width, out_channels, key=film_key)

    def __call__(
        self, x: Float[Array, "in_channel *space"], token: Float[Array, " token"] | None = None
    ) -> Float[Array, "out_channel *space"]:
        x = self.norm(self.conv(x))
        if self.film is not None:
            x = self.film(x, token)
        return jax.nn.gelu(x)


def num_groups(channels: int) -> int:
    """The largest divisor of `channels` that is at most eight and leaves two channels a group."""
    return max(n for n in range(1, 9) if channels % n == 0 and 2 * n <= max(channels, 2))
