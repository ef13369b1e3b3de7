"""An operator transformer: spectral convolutions and linear attention side by side."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.axes import AbstractAxis, cell_volumes, positions
from fieldcast.surrogates.layers.channel_norm import ChannelNorm, standardise
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.pointwise_perceptron import PointwisePerceptron
from fieldcast.surrogates.layers.quadrature_attention import linear_attention
from fieldcast.surrogates.layers.rotary import rotate
from fieldcast.surrogates.layers.spectral_conv import SpectralConv
from fieldcast.surrogates.operators.field_check import check_field


class OFormer(eqx.Module):
    """Layers that add to a field its spectral convolution and its attention to the whole domain.

    `v = (x + K N_1 x + A N_2 x) / sqrt(3)`,   `x <- v + MLP(N_3 v)`

    with layer normalisations `N` over the channels. A function-space model: positions enter by rotations of queries and
    keys by physical coordinates, sums over points are integrals, and keys and values are normalised over the domain.

    **Arguments:**

    - `in_channels`, `out_channels`.
    - `axes`: one a spatial dimension, of 1 to 3.
    - `modes`: of the spectral convolutions, along each axis.
    - `width`: channels, of which an even number falls to each axis.
    - `num_heads`: of the attention, each as wide as the model.
    - `num_layers`.
    - `key`.

    Good values: width 220, 16 heads, four layers, 16 modes an axis. Most of the cost is in the heads.

    **Raises:** `ValueError` when channels or axes do not fit.

    Li et al. 2023, arXiv:2205.13671; in the form of Berner et al. 2025, arXiv:2506.10973, whose code normalises keys
    and values at each point instead.
    """

    lift: Pointwise
    layers: tuple["OFormerLayer", ...]
    project: Pointwise
    axes: tuple[AbstractAxis, ...]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        axes: tuple[AbstractAxis, ...],
        modes: tuple[int, ...] = (16, 16),
        width: int = 220,
        num_heads: int = 16,
        num_layers: int = 4,
        *,
        key: PRNGKeyArray,
    ):
        if len(modes) != len(axes) or width % (2 * len(axes)):
            raise ValueError(
                f"Needed: modes along each of the {len(axes)} axes, and a width that is divisible by {2 * len(axes)}; "
                f"got {modes} and {width}."
            )
        lift_key, project_key, *keys = jrandom.split(key, num_layers + 2)
        self.lift = Pointwise(in_channels, width, key=lift_key)
        self.layers = tuple(OFormerLayer(width, num_heads, modes, key=k) for k in keys)
        self.project = Pointwise(width, out_channels, key=project_key)
        self.axes = axes

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        check_field("OFormer", u.shape, self.lift.weight.shape[1], len(self.axes))
        x = self.lift(u)
        for layer in self.layers:
            x = layer(x, self.axes)
        return self.project(x)


class OFormerLayer(eqx.Module):
    """One layer of `OFormer`."""

    spectral_norm: ChannelNorm
    spectral: SpectralConv
    attention_norm: ChannelNorm
    attention: "DomainAttention"
    perceptron_norm: ChannelNorm
    perceptron: PointwisePerceptron

    def __init__(self, width: int, num_heads: int, modes: tuple[int, ...], *, key: PRNGKeyArray):
        spectral_key, attention_key, perceptron_key = jrandom.split(key, 3)
        self.spectral_norm, self.attention_norm, self.perceptron_norm = (ChannelNorm(width) for _ in range(3))
        self.spectral = SpectralConv(width, width, modes, key=spectral_key)
        self.attention = DomainAttention(width, num_heads, key=attention_key)
        self.perceptron = PointwisePerceptron(width, 2 * width, width, key=perceptron_key)

    def __call__(
        self, x: Float[Array, "channel *space"], axes: tuple[AbstractAxis, ...]
    ) -> Float[Array, "channel *space"]:
        x = x + self.spectral(self.spectral_norm(x)) + self.attention(self.attention_norm(x), axes)
        x = x / math.sqrt(3.0)
        return x + self.perceptron(self.perceptron_norm(x))


class DomainAttention(eqx.Module):
    """Linear attention of every point to the domain, with rotary positions.

    `y = W sum over heads of q (int k v^T dx / int dx) + b`, with keys and values of mean zero and deviation one
    """

    queries: Float[Array, "head_feature channel"]
    keys: Float[Array, "head_feature channel"]
    values: Float[Array, "head_feature channel"]
    combine: Pointwise

    def __init__(self, width: int, num_heads: int, *, key: PRNGKeyArray):
        *keys, combine_key = jrandom.split(key, 4)
        self.queries, self.keys, self.values = (_near_identities(width, num_heads, key=k) for k in keys)
        self.combine = Pointwise(num_heads * width, width, key=combine_key)

    def __call__(
        self, x: Float[Array, "channel *space"], axes: tuple[AbstractAxis, ...]
    ) -> Float[Array, "channel *space"]:
        grid, width = x.shape[1:], x.shape[0]
        volumes = jnp.asarray(cell_volumes(axes, grid), x.dtype)
        places = positions(axes, grid).reshape(len(axes), -1)
        flat = x.reshape(width, -1)

        def heads(features: Array) -> Array:
            return jnp.swapaxes(features.reshape(-1, width, flat.shape[1]), 1, 2)

        def normalised(features: Array) -> Array:
            return standardise(features.reshape(-1, *grid), volumes)

        queries, keys = heads(self.queries @ flat), heads(normalised(self.keys @ flat))
        values = heads(normalised(self.values @ flat))
        share = (volumes / jnp.sum(volumes)).reshape(-1)
        y = linear_attention(_rotated(queries, places), _rotated(keys, places), values, share)
        return self.combine(jnp.swapaxes(y, 1, 2).reshape(-1, *grid))


def _rotated(x: Float[Array, "head point feature"], places: Float[np.ndarray, "axis point"]) -> Array:
    """Every axis turns its share of the features."""
    parts = jnp.split(x, len(places), axis=-1)
    return jnp.concatenate([rotate(part, place) for part, place in zip(parts, places, strict=True)], axis=-1)


def _near_identities(width: int, num_heads: int, *, key: PRNGKeyArray) -> Float[Array, "head_feature channel"]:
    """One matrix a head, small and random, with a small multiple of the identity."""
    size = 1.0 / math.sqrt(width)
    limit = size * math.sqrt(3.0 / width)
    random = jrandom.uniform(key, (num_heads, width, width), dtype=float, minval=-limit, maxval=limit)
    return (random + size * jnp.eye(width)[None]).reshape(num_heads * width, width)
