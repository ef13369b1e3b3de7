"""The modern U-Net: residual blocks before and after every change of resolution."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.gelu import gelu
from fieldcast.surrogates.layers.padded_conv import PaddedConv, per_axis
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.transposed_conv import TransposedConv
from fieldcast.surrogates.operators.field_check import check_field


class UNet(eqx.Module):
    """A U-Net of residual blocks, with as many ways from each level to the decoder as the level has states.

    Level `l` has `width m_0 ... m_l` channels and `num_blocks` residual blocks on the way down; on the way up one more,
    each of which sees, beside its input, one state that was kept on the way down. Strided convolutions halve the grid,
    transposed ones double it.

    **Arguments:**

    - `in_channels`, `out_channels`: of the field; history is stacked in the channels.
    - `num_spatial_dims`: 1, 2 or 3.
    - `width`: channels at full resolution, times the first multiplier.
    - `multipliers`: by which the channels grow, one a level; every axis must be divisible by `2^(levels - 1)`.
    - `num_blocks`: residual blocks a level.
    - `kernel_size`: odd.
    - `periodic`: whether the field goes on periodically beyond the grid instead of being zero there; one bool for all
      axes, or one an axis.
    - `key`.

    Good values: those of the defaults, 144 million parameters; `width=19, multipliers=(1, 2, 2, 3), kernel_size=9` has
    65 million. Strong within one resolution and tied to it: kernels are so many points wide, whatever their distance.

    **Raises:** `ValueError` when channels, axes or the grid do not fit.

    Gupta and Brandstetter 2022, arXiv:2209.15616 ("U-Net mod").
    """

    lift: PaddedConv
    down: tuple["Level", ...]
    middle: tuple["ResidualBlock", "ResidualBlock"]
    up: tuple["Level", ...]
    norm: eqx.nn.GroupNorm
    project: PaddedConv
    in_channels: int = eqx.field(static=True)
    num_spatial_dims: int = eqx.field(static=True)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_spatial_dims: int = 2,
        width: int = 64,
        multipliers: tuple[int, ...] = (1, 2, 2, 4),
        num_blocks: int = 2,
        kernel_size: int = 3,
        periodic: bool | tuple[bool, ...] = False,
        *,
        key: PRNGKeyArray,
    ):
        if num_blocks < 1:
            raise ValueError(
                f"Every level changes the number of channels in a block; needed: at least 1, {num_blocks=}."
            )
        lift_key, down_key, first_key, second_key, up_key, project_key = jax.random.split(key, 6)
        setting = (num_spatial_dims, kernel_size, per_axis(periodic, num_spatial_dims))
        widths = [width * math.prod(multipliers[:level]) for level in range(len(multipliers) + 1)]
        down_keys, up_keys = (jax.random.split(k, len(multipliers)) for k in (down_key, up_key))
        last = len(multipliers) - 1
        self.lift = PaddedConv(num_spatial_dims, in_channels, width, kernel_size, periodic=periodic, key=lift_key)
        self.down = tuple(
            Level.down(widths[i], widths[i + 1], num_blocks, i < last, setting, key=down_keys[i])
            for i in range(last + 1)
        )
        self.middle = tuple(ResidualBlock(widths[-1], widths[-1], setting, key=k) for k in (first_key, second_key))
        self.up = tuple(
            Level.up(widths[i + 1], widths[i], num_blocks, i > 0, setting, key=up_keys[i])
            for i in reversed(range(last + 1))
        )
        self.norm = eqx.nn.GroupNorm(math.gcd(8, width), width)
        self.project = PaddedConv(
            num_spatial_dims, width, out_channels, kernel_size, periodic=periodic, key=project_key
        )
        self.in_channels = in_channels
        self.num_spatial_dims = num_spatial_dims

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        check_field("UNet", u.shape, self.in_channels, self.num_spatial_dims, len(self.down) - 1)
        x = self.lift(u)
        kept = [x]
        for level in self.down:
            for block in level.blocks:
                x = block(x)
                kept.append(x)
            if level.resample is not None:
                x = level.resample(x)
                kept.append(x)
        for block in self.middle:
            x = block(x)
        for level in self.up:
            for block in level.blocks:
                x = block(jnp.concatenate([x, kept.pop()]))
            if level.resample is not None:
                x = level.resample(x)
        return self.project(gelu(self.norm(x)))


class Level(eqx.Module):
    """Blocks of one resolution, and the way to the next."""

    blocks: tuple["ResidualBlock", ...]
    resample: PaddedConv | TransposedConv | None

    @classmethod
    def down(
        cls, before: int, after: int, num_blocks: int, resampled: bool, setting: tuple, *, key: PRNGKeyArray
    ) -> "Level":
        """From `before` to `after` channels, and to half the resolution."""
        resample_key, *keys = jax.random.split(key, num_blocks + 1)
        widths = [before] + [after] * num_blocks
        blocks = tuple(ResidualBlock(widths[i], after, setting, key=k) for i, k in enumerate(keys))
        dims, _, periodic = setting
        resample = PaddedConv(dims, after, after, 3, periodic=periodic, stride=2, key=resample_key)
        return cls(blocks, resample if resampled else None)

    @classmethod
    def up(
        cls, before: int, after: int, num_blocks: int, resampled: bool, setting: tuple, *, key: PRNGKeyArray
    ) -> "Level":
        """From `before` to `after` channels, with what was kept beside, and to twice the resolution."""
        resample_key, *keys, last_key = jax.random.split(key, num_blocks + 2)
        blocks = [ResidualBlock(2 * before, before, setting, key=k) for k in keys]
        blocks.append(ResidualBlock(before + after, after, setting, key=last_key))
        dims, _, periodic = setting
        resample = TransposedConv(dims, after, after, 4, periodic=periodic, key=resample_key)
        return cls(tuple(blocks), resample if resampled else None)


class ResidualBlock(eqx.Module):
    """`y = Conv(GELU(Norm(Conv(GELU(Norm(x)))))) + S x`, with normalisations over channels and space at once.

    `S` is the identity where the number of channels stays.
    """

    first_norm: eqx.nn.GroupNorm
    first: PaddedConv
    second_norm: eqx.nn.GroupNorm
    second: PaddedConv
    shortcut: Pointwise | None

    def __init__(
        self, in_channels: int, out_channels: int, setting: tuple[int, int, tuple[bool, ...]], *, key: PRNGKeyArray
    ):
        first_key, second_key, shortcut_key = jax.random.split(key, 3)
        dims, size, periodic = setting
        self.first_norm = eqx.nn.GroupNorm(1, in_channels)
        self.first = PaddedConv(dims, in_channels, out_channels, size, periodic=periodic, key=first_key)
        self.second_norm = eqx.nn.GroupNorm(1, out_channels)
        self.second = PaddedConv(dims, out_channels, out_channels, size, periodic=periodic, key=second_key)
        same = in_channels == out_channels
        self.shortcut = None if same else Pointwise(in_channels, out_channels, key=shortcut_key)

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        y = self.first(gelu(self.first_norm(x)))
        y = self.second(gelu(self.second_norm(y)))
        return y + (x if self.shortcut is None else self.shortcut(x))
