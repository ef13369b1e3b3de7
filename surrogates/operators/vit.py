"""The vision transformer, with patches that belong to the domain instead of the grid."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jrandom
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.channel_norm import ChannelNorm
from fieldcast.surrogates.layers.initialisation import uniform_weight_and_bias
from fieldcast.surrogates.layers.patches import from_patches, to_patches
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.pointwise_perceptron import PointwisePerceptron
from fieldcast.surrogates.layers.quadrature_attention import softmax_attention
from fieldcast.surrogates.layers.resample import cell_resample
from fieldcast.surrogates.operators.field_check import check_field


class ViT(eqx.Module):
    """Cut the domain into patches, let them attend to each other, and write a field on each of them.

    `t_p = b + sum_i int_{patch p} W_i(x) u_i(x) dx + e_p`, then layers `t <- t + A N t`, `t <- t + MLP N t`, then
    `u_next = D N t_p` on patch `p`

    The patches are parts of the domain: on a finer grid there are as many, each with more points, over which the
    functions `W` are interpolated. The answer is a function that is given at `patch_size^d` places of each patch and
    linear between them. On the reference grid, of `patches patch_size` points, it is the plain vision transformer.

    **Arguments:**

    - `in_channels`, `out_channels`.
    - `patches`: their number along each of 1 to 3 axes; grids must be divisible by it.
    - `patch_size`: points a side of a patch on the reference grid.
    - `width`: of a patch's token.
    - `num_layers`, `num_heads`.
    - `hidden_width`: of the perceptrons.
    - `key`.

    Good values: 8 patches of 16 points an axis, width 768, 12 layers of 12 heads, perceptrons of 1900. Needs more data
    than convolutions, and leaves edges between patches where it has too little.

    **Raises:** `ValueError` when channels, axes or the grid do not fit.

    Dosovitskiy et al. 2021, arXiv:2010.11929; as an operator: Berner et al. 2025, arXiv:2506.10973.
    """

    embedding: Float[Array, "width in_channel *patch"]
    embedding_bias: Float[Array, " width"]
    register: Float[Array, "width 1"]
    positions: Float[Array, "width token"]
    layers: tuple["TransformerLayer", ...]
    norm: ChannelNorm
    project: Pointwise
    patches: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        patches: tuple[int, ...] = (8, 8),
        patch_size: int = 16,
        width: int = 768,
        num_layers: int = 12,
        num_heads: int = 12,
        hidden_width: int = 1900,
        *,
        key: PRNGKeyArray,
    ):
        if width % num_heads:
            raise ValueError(f"The width is shared among the heads; {width} is not divisible by {num_heads}.")
        embedding_key, register_key, position_key, project_key, *keys = jrandom.split(key, 4 + num_layers)
        shape = (width, in_channels, *(patch_size,) * len(patches))
        self.embedding, self.embedding_bias = uniform_weight_and_bias(shape, math.prod(shape[1:]), key=embedding_key)
        self.register = 0.02 * jrandom.normal(register_key, (width, 1), dtype=float)
        self.positions = 0.02 * jrandom.normal(position_key, (width, 1 + math.prod(patches)), dtype=float)
        self.layers = tuple(TransformerLayer(width, num_heads, hidden_width, key=k) for k in keys)
        self.norm = ChannelNorm(width)
        self.project = Pointwise(width, out_channels * patch_size ** len(patches), key=project_key)
        self.patches = patches

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        grid = u.shape[1:]
        check_field("ViT", u.shape, self.embedding.shape[1], len(self.patches))
        if any(n % p for n, p in zip(grid, self.patches, strict=True)):
            raise ValueError(f"This ViT cuts the axes into {self.patches} patches, which must divide the grid {grid}.")
        x = jnp.concatenate([self.register, self._embedded(u)], axis=1) + self.positions
        for layer in self.layers:
            x = layer(x)
        values = self.project(self.norm(x)[:, 1:])
        field = from_patches(values.reshape(-1, *self.patches), self.embedding.shape[-1])
        return cell_resample(field, grid, (False,) * len(grid))

    def _embedded(self, u: Array) -> Float[Array, "width patch"]:
        """Integrals over the patches, in units of the reference grid's cells."""
        kernel, size = self.embedding, tuple(n // p for n, p in zip(u.shape[1:], self.patches, strict=True))
        if size != kernel.shape[2:]:
            share = math.prod(kernel.shape[2:]) / math.prod(size)
            kernel = share * jax.image.resize(kernel, (*kernel.shape[:2], *size), "linear", antialias=False)
        parts = to_patches(u, size).reshape(-1, math.prod(self.patches))
        return kernel.reshape(len(kernel), -1) @ parts + self.embedding_bias[:, None]


class TransformerLayer(eqx.Module):
    """`t <- t + A N t`, `t <- t + MLP N t`, with softmax attention `A` of many heads."""

    attention_norm: ChannelNorm
    queries: Pointwise
    keys: Pointwise
    values: Pointwise
    combine: Pointwise
    perceptron_norm: ChannelNorm
    perceptron: PointwisePerceptron
    num_heads: int = eqx.field(static=True)

    def __init__(self, width: int, num_heads: int, hidden_width: int, *, key: PRNGKeyArray):
        *keys, perceptron_key = jrandom.split(key, 5)
        self.attention_norm, self.perceptron_norm = ChannelNorm(width), ChannelNorm(width)
        self.queries, self.keys, self.values, self.combine = (Pointwise(width, width, key=k) for k in keys)
        self.perceptron = PointwisePerceptron(width, hidden_width, width, key=perceptron_key)
        self.num_heads = num_heads

    def __call__(self, x: Float[Array, "width token"]) -> Float[Array, "width token"]:
        normed = self.attention_norm(x)
        queries, keys, values = (
            jnp.swapaxes(linear(normed).reshape(self.num_heads, -1, x.shape[1]), 1, 2)
            for linear in (self.queries, self.keys, self.values)
        )
        queries = queries / math.sqrt(queries.shape[-1])
        attended = softmax_attention(queries, keys, values, jnp.ones(x.shape[1], x.dtype))
        x = x + self.combine(jnp.swapaxes(attended, 1, 2).reshape(x.shape))
        return x + self.perceptron(self.perceptron_norm(x))
