"""A residual network with dilated convolutions: wide sight at full resolution."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.gelu import gelu
from fieldcast.surrogates.layers.padded_conv import PaddedConv
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.operators.field_check import check_field

DILATIONS = (1, 2, 4, 8, 4, 2, 1)
"""Distances of the points that the seven convolutions of a block see."""


class DilResNet(eqx.Module):
    """Pointwise maps in, four blocks of seven dilated convolutions each with a way past it, pointwise maps out.

    `x <- x + B_7(... B_1(x))`,   `B_d(x) = GELU(Conv_d(GroupNorm(x)))`, with dilations 1, 2, 4, 8, 4, 2, 1

    **Arguments:**

    - `in_channels`, `out_channels`: of the field; history is stacked in the channels.
    - `num_spatial_dims`: 1, 2 or 3.
    - `width`: channels of the blocks.
    - `num_blocks`.
    - `periodic`: whether the field goes on periodically beyond the grid instead of being zero there; one bool for all
      axes, or one an axis.
    - `key`.

    Each block sees 22 points in each direction, whatever their distance, so the network is tied to the grid it was
    trained on. A good baseline with few parameters, and slow: nothing is done at low resolution.

    **Raises:** `ValueError` when channels or axes do not fit.

    Stachenfeld et al. 2022, arXiv:2112.15275; in the form of Gupta and Brandstetter 2022, arXiv:2209.15616, whose code
    (PDEArena) lets the blocks act on a field with nine more zeros at the end of each axis. Here they act on the field.
    """

    lift: tuple[Pointwise, Pointwise]
    blocks: tuple["DilatedBlock", ...]
    project: tuple[Pointwise, Pointwise]
    num_spatial_dims: int = eqx.field(static=True)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_spatial_dims: int = 2,
        width: int = 128,
        num_blocks: int = 4,
        periodic: bool | tuple[bool, ...] = False,
        *,
        key: PRNGKeyArray,
    ):
        first, second, third, fourth, *keys = jax.random.split(key, 4 + num_blocks)
        self.lift = (Pointwise(in_channels, width, key=first), Pointwise(width, width, key=second))
        self.project = (Pointwise(width, width, key=third), Pointwise(width, out_channels, key=fourth))
        self.blocks = tuple(DilatedBlock(num_spatial_dims, width, periodic, key=k) for k in keys)
        self.num_spatial_dims = num_spatial_dims

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        check_field("DilResNet", u.shape, self.lift[0].weight.shape[1], self.num_spatial_dims)
        x = u
        for linear in self.lift:
            x = gelu(linear(x))
        for block in self.blocks:
            x = x + block(x)
        return self.project[1](gelu(self.project[0](x)))


class DilatedBlock(eqx.Module):
    """`GELU(Conv(GroupNorm(x)))`, seven times, with a normalisation over channels and space at once."""

    convs: tuple[PaddedConv, ...]
    norms: tuple[eqx.nn.GroupNorm, ...]

    def __init__(self, num_spatial_dims: int, channels: int, periodic: bool | tuple[bool, ...], *, key: PRNGKeyArray):
        keys = jax.random.split(key, len(DILATIONS))
        self.convs = tuple(
            PaddedConv(num_spatial_dims, channels, channels, periodic=periodic, dilation=dilation, key=k)
            for dilation, k in zip(DILATIONS, keys, strict=True)
        )
        self.norms = tuple(eqx.nn.GroupNorm(1, channels) for _ in DILATIONS)

    def __call__(self, x: Float[Array, "channel *space"]) -> Float[Array, "channel *space"]:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = gelu(conv(norm(x)))
        return x
