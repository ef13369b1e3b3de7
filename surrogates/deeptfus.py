"""DeepTFUS: from a CT and a transducer to the pressure field behind the skull."""

from dataclasses import dataclass
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.attention_pooling import AttentionPooling
from fieldcast.surrogates.layers.conv_block import ConvBlock
from fieldcast.surrogates.layers.cross_attention import CrossAttention
from fieldcast.surrogates.layers.dynamic_conv import DynamicConv
from fieldcast.surrogates.layers.initialisation import zero_initialised
from fieldcast.surrogates.layers.point_encoder import PointEncoder
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.resample import average_pool, upsample


@dataclass(frozen=True)
class Conditioning:
    """By which ways the transducer reaches the volume; without any, the network is a U-Net that ignores it.

    - `dynamic_convolution`: kernels in the encoder.
    - `film`: scales and shifts in the decoder.
    - `cross_attention`: between volume and points, at every level of the encoder.
    """

    dynamic_convolution: bool = True
    film: bool = True
    cross_attention: bool = True

    def __bool__(self) -> bool:
        return self.dynamic_convolution or self.film or self.cross_attention


class Prediction(NamedTuple):
    """What the network says.

    - `field`: the (log-normalised) field.
    - `log_scale`: logarithm of the field's peak, relative to a reference of the caller's choice.
    """

    field: Float[Array, "out_channel *space"]
    log_scale: Float[Array, ""]


class DeepTFUS(eqx.Module):
    """A U-Net on the CT, conditioned on the points of a transducer in three ways.

    With the points' tokens `z_i = PointEncoder(x_i)` and the global token `z = AttentionPooling(z_i)`,

    - every level of the encoder is Conv | DynamicConv(z) | Conv, then cross-attention between its features and all
      tokens, `z` and `z_i`, which go on to the next level; average pooling follows, up to the bottleneck;
    - every level of the decoder is upsampling, concatenation with the encoder's features, and two Conv with FiLM(z);
    - the output is a pointwise map; a perceptron on `z` and the mean of the bottleneck gives the scale.

    Output map, scale, fusions, dynamic kernels and FiLM are zero or the identity at initialisation, so the untrained
    network answers zero.

    **Arguments:**

    - `num_spatial_dims`: 2 or 3.
    - `in_channels`: 1 for the CT; more to give it, for instance, the free field of the transducer.
    - `out_channels`.
    - `base_width`: channels of the finest level; every coarser level has twice as many. 16 is the size of an open
      reproduction, 8 trains in minutes on a CPU.
    - `num_levels`: resolutions, the bottleneck included. Grids must be divisible by `2^(num_levels - 1)`.
    - `num_heads`: of each attention.
    - `num_frequencies`: of the Fourier features of points and cells.
    - `token_width`: size of the tokens.
    - `conditioning`: which ways to leave out, for ablations.
    - `key`.

    **Call:** `model(volume, points)` with a volume of `in_channels` fields, and points `(num_points, axis)` for which
    the first grid point of an axis lies at -1 and the last at 1; points may lie outside. Any number of points, in
    any order. It returns a `Prediction`.

    **Raises:** `ValueError` when the grid cannot be halved often enough, or channels or axes do not fit.

    Srivastav et al. 2025, arXiv:2505.12998. Widths, depth and the place of each layer within its level are not
    published; they are ours. Fields finer than the second coarsest level are pooled to it before they attend.
    """

    point_encoder: PointEncoder | None
    pooling: AttentionPooling | None
    encoder: tuple["EncoderLevel", ...]
    decoder: tuple["DecoderLevel", ...]
    output: Pointwise
    scale: eqx.nn.MLP
    num_spatial_dims: int = eqx.field(static=True)
    in_channels: int = eqx.field(static=True)

    def __init__(
        self,
        num_spatial_dims: int = 3,
        in_channels: int = 1,
        out_channels: int = 1,
        base_width: int = 16,
        num_levels: int = 4,
        num_heads: int = 4,
        num_frequencies: int = 8,
        token_width: int = 128,
        conditioning: Conditioning | None = None,
        *,
        key: PRNGKeyArray,
    ):
        if num_spatial_dims not in (2, 3):
            raise ValueError(f"DeepTFUS works in 2 or 3 dimensions, got {num_spatial_dims}.")
        if num_levels < 2 or base_width < 2:
            raise ValueError(f"Needed: two levels and a width of two; got {num_levels} levels of width {base_width}.")
        conditioning = Conditioning() if conditioning is None else conditioning
        point_key, pooling_key, encoder_key, decoder_key, output_key, scale_key = jax.random.split(key, 6)
        widths = [base_width * 2**level for level in range(num_levels)]

        self.point_encoder = self.pooling = None
        if conditioning:
            self.point_encoder = PointEncoder(num_spatial_dims, token_width, num_frequencies, key=point_key)
            self.pooling = AttentionPooling(token_width, key=pooling_key)
        keys = jax.random.split(encoder_key, num_levels)
        self.encoder = tuple(
            EncoderLevel(
                num_spatial_dims,
                in_channels if level == 0 else widths[level - 1],
                widths[level],
                token_width,
                num_heads,
                num_frequencies,
                max(num_levels - 2 - level, 0),
                conditioning,
                key=keys[level],
            )
            for level in range(num_levels)
        )
        keys = jax.random.split(decoder_key, num_levels - 1)
        film_width = token_width if conditioning.film else None
        self.decoder = tuple(
            DecoderLevel(num_spatial_dims, width, film_width, key=k) for width, k in zip(widths[:-1], keys, strict=True)
        )
        self.output = zero_initialised(Pointwise(base_width, out_channels, key=output_key))
        summary_width = widths[-1] + (token_width if conditioning else 0)
        scale = eqx.nn.MLP(summary_width, "scalar", token_width, depth=1, activation=jax.nn.gelu, key=scale_key)
        self.scale = eqx.tree_at(lambda m: m.layers[-1], scale, replace_fn=zero_initialised)
        self.num_spatial_dims = num_spatial_dims
        self.in_channels = in_channels

    def __call__(self, volume: Float[Array, "in_channel *space"], points: Float[Array, "point axis"]) -> Prediction:
        self._check(volume.shape, points.shape)
        tokens = None
        if self.point_encoder is not None:
            tokens = self.point_encoder(points)
            tokens = jnp.concatenate([self.pooling(tokens)[None], tokens])  # the global token comes first

        x, skips = volume, []
        for level in self.encoder:
            x, tokens = level(x if not skips else average_pool(x), tokens)
            skips.append(x)
        token = None if tokens is None else tokens[0]
        summary = jnp.mean(x.reshape(x.shape[0], -1), axis=1)
        summary = summary if token is None else jnp.concatenate([summary, token])
        for level, skip in zip(reversed(self.decoder), reversed(skips[:-1]), strict=True):
            x = level(x, skip, token)
        return Prediction(field=self.output(x), log_scale=self.scale(summary))

    def _check(self, volume: tuple[int, ...], points: tuple[int, ...]) -> None:
        dims, factor = self.num_spatial_dims, 2 ** len(self.decoder)
        if len(volume) != dims + 1 or volume[0] != self.in_channels:
            raise ValueError(
                f"This network takes a volume of {self.in_channels} channel(s) on {dims} axes, without a batch axis "
                f"(vmap over batches); got shape {volume}."
            )
        if any(n % factor for n in volume[1:]):
            raise ValueError(
                f"A network of {len(self.encoder)} levels halves the grid {len(self.decoder)} times, so every axis "
                f"must be divisible by {factor}; got {volume[1:]}. Pad or crop the volume, or use fewer levels."
            )
        if points[0] < 1 or points[1] != dims:
            raise ValueError(f"Needed: transducer points of shape (num_points >= 1, {dims}), got {points}.")


class EncoderLevel(eqx.Module):
    """Conv | DynamicConv | Conv, then cross-attention; what the conditioning leaves out is `None`."""

    first: ConvBlock
    dynamic: DynamicConv | None
    second: ConvBlock
    attention: CrossAttention | None

    def __init__(
        self,
        num_spatial_dims: int,
        in_channels: int,
        channels: int,
        token_width: int,
        num_heads: int,
        num_frequencies: int,
        num_poolings: int,
        conditioning: Conditioning,
        *,
        key: PRNGKeyArray,
    ):
        first_key, dynamic_key, second_key, attention_key = jax.random.split(key, 4)
        self.first = ConvBlock(num_spatial_dims, in_channels, channels, key=first_key)
        self.second = ConvBlock(num_spatial_dims, channels, channels, key=second_key)
        self.dynamic = self.attention = None
        if conditioning.dynamic_convolution:
            self.dynamic = DynamicConv(num_spatial_dims, token_width, channels, key=dynamic_key)
        if conditioning.cross_attention:
            self.attention = CrossAttention(
                num_spatial_dims, channels, token_width, num_heads, num_frequencies, num_poolings, key=attention_key
            )

    def __call__(
        self, x: Float[Array, "in_channel *space"], tokens: Float[Array, "point token"] | None
    ) -> tuple[Float[Array, "channel *space"], Float[Array, "point token"] | None]:
        x = self.first(x)
        if self.dynamic is not None:
            x = self.dynamic(x, tokens[0])
        x = self.second(x)
        if self.attention is not None:
            x, tokens = self.attention(x, tokens)
        return x, tokens


class DecoderLevel(eqx.Module):
    """Half the channels at twice the resolution, beside the encoder's features, through two modulated Conv."""

    halving: Pointwise
    first: ConvBlock
    second: ConvBlock

    def __init__(self, num_spatial_dims: int, channels: int, film_width: int | None, *, key: PRNGKeyArray):
        halving_key, first_key, second_key = jax.random.split(key, 3)
        self.halving = Pointwise(2 * channels, channels, key=halving_key)
        self.first = ConvBlock(num_spatial_dims, 2 * channels, channels, film_width, key=first_key)
        self.second = ConvBlock(num_spatial_dims, channels, channels, film_width, key=second_key)

    def __call__(
        self,
        x: Float[Array, "coarse_channel *coarse"],
        skip: Float[Array, "channel *space"],
        token: Float[Array, " token"] | None,
    ) -> Float[Array, "channel *space"]:
        x = jnp.concatenate([upsample(self.halving(x)), skip])
        return self.second(self.first(x, token), token)
