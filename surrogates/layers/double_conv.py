"""Convolution, normalisation, activation, twice: what the levels of U-Nets are made of."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.conditioning import FiLM
from fieldcast.surrogates.layers.gelu import gelu
from fieldcast.surrogates.layers.padded_conv import PaddedConv
from fieldcast.surrogates.layers.scalar_conditioning import Shift


class DoubleConv(eqx.Module):
    """`GELU(Norm(Conv(M(GELU(Norm(Conv(x)))))))`, with a normalisation over channels and space at once.

    `M` is what a token does to the features, if there is one. Normalisations are over the points as they are counted,
    and kernels are three points wide: a layer for one grid.

    **Arguments:**

    - `num_spatial_dims`, `in_channels`, `out_channels`.
    - `periodic`: one bool for all axes, or one an axis, as in `PaddedConv`.
    - `modulation`: `M`, such as `FiLM`.
    - `key`.
    """

    first: PaddedConv
    first_norm: eqx.nn.GroupNorm
    modulation: FiLM | Shift | None
    second: PaddedConv
    second_norm: eqx.nn.GroupNorm

    def __init__(
        self,
        num_spatial_dims: int,
        in_channels: int,
        out_channels: int,
        periodic: bool | tuple[bool, ...],
        modulation: FiLM | Shift | None = None,
        *,
        key: PRNGKeyArray,
    ):
        first_key, second_key = jax.random.split(key)
        self.first = PaddedConv(num_spatial_dims, in_channels, out_channels, periodic=periodic, key=first_key)
        self.second = PaddedConv(num_spatial_dims, out_channels, out_channels, periodic=periodic, key=second_key)
        self.first_norm = eqx.nn.GroupNorm(1, out_channels)
        self.second_norm = eqx.nn.GroupNorm(1, out_channels)
        self.modulation = modulation

    def __call__(
        self, x: Float[Array, "in_channel *space"], token: Float[Array, " token"] | None = None
    ) -> Float[Array, "out_channel *space"]:
        x = gelu(self.first_norm(self.first(x)))
        if self.modulation is not None:
            x = self.modulation(x, token)
        return gelu(self.second_norm(self.second(x)))
