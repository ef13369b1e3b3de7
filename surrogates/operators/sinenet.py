"""SineNet: a chain of small U-Nets, each of which evolves the field by a part of the step."""

import itertools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.conditioning import FiLM
from fieldcast.surrogates.layers.double_conv import DoubleConv
from fieldcast.surrogates.layers.padded_conv import PaddedConv
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.resample import average_pool, bicubic_upsample
from fieldcast.surrogates.layers.scalar_conditioning import ScalarEmbedding, Shift
from fieldcast.surrogates.operators.field_check import check_field


class SineNet(eqx.Module):
    """Lift, let `K` waves evolve the features, project.

    `u_next = Q V_K ... V_1 P u`,   `V_k(x) = x + UNet_k(x)`

    The skip connections of a U-Net carry features of the present to a decoder that speaks of the next step. Where a
    flow moves things in between, the two do not fit; the more waves share the step, the better they fit. Every level
    of a wave sees the features of the level above and, beside them, the pooled input of the wave.

    **Arguments:**

    - `in_channels`: of the field; history is stacked in the channels.
    - `out_channels`.
    - `num_spatial_dims`: 1, 2 or 3.
    - `num_waves`: `K`.
    - `width`: channels at full resolution, `C_0`.
    - `multiplier`: level `l` has `int(width multiplier^l)` channels.
    - `num_levels`: how often a wave halves the grid; every axis must be divisible by `2^num_levels`.
    - `num_blocks`: pairs of convolutions a level.
    - `dual`: whether the deeper levels see the pooled input of the wave.
    - `periodic`: whether the field goes on periodically beyond the grid instead of being zero there; one bool for all
      axes, or one an axis.
    - `num_parameters`: how many numbers (lead time, coefficients) the model is conditioned on.
    - `modulation`: how they act on the features, `FiLM` (scale and shift) or `Shift`.
    - `key`.

    Good values at 35.5 million parameters: 8 waves with a multiplier of 1.425, 6 with 1.5, 4 with 1.611, 2 with 1.8075.
    One wave with 8 blocks and 1.425 is the "deeper U-Net" that SineNet is compared with.

    **Call:** `model(u)`, or `model(u, parameters)` with an array of `num_parameters` numbers.

    **Raises:** `ValueError` when channels, axes or the grid do not fit, or parameters are missing or too many.

    Zhang et al. 2024, arXiv:2403.19507.
    """

    lift: PaddedConv
    waves: "Wave"
    project: PaddedConv
    embedding: ScalarEmbedding | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_spatial_dims: int = 2,
        num_waves: int = 8,
        width: int = 64,
        multiplier: float = 1.425,
        num_levels: int = 4,
        num_blocks: int = 1,
        dual: bool = True,
        periodic: bool | tuple[bool, ...] = False,
        num_parameters: int = 0,
        modulation: Callable[..., FiLM | Shift] = FiLM,
        *,
        key: PRNGKeyArray,
    ):
        lift_key, waves_key, project_key, embedding_key = jax.random.split(key, 4)
        token_width = 4 * width
        self.lift = PaddedConv(num_spatial_dims, in_channels, width, periodic=periodic, key=lift_key)
        self.project = PaddedConv(num_spatial_dims, width, out_channels, periodic=periodic, key=project_key)
        self.embedding = None
        if num_parameters:
            self.embedding = ScalarEmbedding(num_parameters, width, token_width, key=embedding_key)

        def block(before: int, after: int, *, key: PRNGKeyArray) -> DoubleConv:
            conv_key, modulation_key = jax.random.split(key)
            modulate = modulation(token_width, after, key=modulation_key) if num_parameters else None
            return DoubleConv(num_spatial_dims, before, after, periodic, modulate, key=conv_key)

        widths = [int(width * multiplier**level) for level in range(num_levels + 1)]
        keys = jax.random.split(waves_key, num_waves)
        # All waves in one, whose arrays have an axis more, so that a program does not grow with their number.
        self.waves = eqx.filter_vmap(lambda k: Wave(widths, num_blocks, dual, block, key=k))(keys)

    def __call__(
        self, u: Float[Array, "in_channel *space"], parameters: Float[Array, " parameter"] | None = None
    ) -> Float[Array, "out_channel *space"]:
        dims = self.lift.weight.ndim - 2
        check_field("SineNet", u.shape, self.lift.weight.shape[1], dims, len(self.waves.down))
        token = self._token(parameters)
        weights, wave = eqx.partition(self.waves, eqx.is_array)
        x, _ = jax.lax.scan(lambda x, w: (x + eqx.combine(w, wave)(x, token), None), self.lift(u), weights)
        return self.project(x)

    def _token(self, parameters: Array | None) -> Array | None:
        expected = 0 if self.embedding is None else len(self.embedding.perceptrons)
        given = 0 if parameters is None else len(parameters)
        if given != expected:
            raise ValueError(f"This SineNet is conditioned on {expected} parameter(s), got {given}.")
        return None if self.embedding is None else self.embedding(parameters)


class Wave(eqx.Module):
    """One small U-Net at constant resolution and width, from `widths[0]` channels to as many."""

    down: tuple["Stage", ...]
    up: tuple["Stage", ...]
    dual: bool = eqx.field(static=True)

    def __init__(
        self,
        widths: list[int],
        num_blocks: int,
        dual: bool,
        block: Callable[..., DoubleConv],
        *,
        key: PRNGKeyArray,
    ):
        down_key, up_key = jax.random.split(key)
        levels = list(itertools.pairwise(widths))
        keys = jax.random.split(down_key, len(levels))
        self.down = tuple(
            Stage(fine, widths[0] if dual and level > 0 else 0, coarse, num_blocks, block, key=keys[level])
            for level, (fine, coarse) in enumerate(levels)
        )
        keys = jax.random.split(up_key, len(levels))
        self.up = tuple(
            Stage(coarse, fine, fine, num_blocks, block, key=keys[level]) for level, (fine, coarse) in enumerate(levels)
        )
        self.dual = dual

    def __call__(
        self, x: Float[Array, "channel *space"], token: Float[Array, " token"] | None
    ) -> Float[Array, "channel *space"]:
        y, pooled_input, skips = x, x, []
        for level, stage in enumerate(self.down):
            skips.append(y)
            pooled, pooled_input = average_pool(y), average_pool(pooled_input)
            joined = jnp.concatenate([pooled, pooled_input]) if self.dual and level > 0 else pooled
            y = stage(pooled, joined, token)
        for stage, skip in zip(reversed(self.up), reversed(skips), strict=True):
            risen = bicubic_upsample(y, stage.blocks[0].first.periodic)
            y = stage(risen, jnp.concatenate([skip, risen]), token)
        return y


class Stage(eqx.Module):
    """Pairs of convolutions, each with a shortcut past it.

    `y_1 = B_1(z) + S x`,   `y_n = B_n(y_{n-1}) + y_{n-1}`, where `z` holds `x` and what is given beside it
    """

    blocks: tuple[DoubleConv, ...]
    shortcut: Pointwise

    def __init__(
        self,
        channels: int,
        channels_beside: int,
        out_channels: int,
        num_blocks: int,
        block: Callable[..., DoubleConv],
        *,
        key: PRNGKeyArray,
    ):
        shortcut_key, *keys = jax.random.split(key, num_blocks + 1)
        befores = [channels + channels_beside] + [out_channels] * (num_blocks - 1)
        self.blocks = tuple(block(before, out_channels, key=k) for before, k in zip(befores, keys, strict=True))
        self.shortcut = Pointwise(channels, out_channels, key=shortcut_key)

    def __call__(
        self,
        x: Float[Array, "channel *space"],
        joined: Float[Array, "joined_channel *space"],
        token: Float[Array, " token"] | None,
    ) -> Float[Array, "out_channel *space"]:
        y = self.blocks[0](joined, token) + self.shortcut(x)
        for block in self.blocks[1:]:
            y = block(y, token) + y
        return y
