"""Attention along one axis at a time, with integral kernels from pooled features."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.axes import AbstractAxis
from fieldcast.surrogates.layers.channel_norm import ChannelNorm
from fieldcast.surrogates.layers.gelu import gelu
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.rotary import rotate

KERNEL_GAIN = 0.02
"""Of the initial queries and keys: kernels are small at first, so that many of them may follow each other."""


class AxisKernel(eqx.Module):
    """The kernel of an integral along one axis, made from a field pooled over the other axes.

    `K_h(r, s) = rotate(q_h(r), r) . rotate(k_h(s), s)`,   `q, k = W_q p, W_k p`

    with `p` the pooled field after a gated perceptron, and no softmax: the kernel is separable but for the rotation.

    **Arguments:**

    - `channels`.
    - `num_heads`: kernels.
    - `kernel_width`: features of queries and keys, even.
    - `key`.
    """

    reduce: Pointwise
    norm: ChannelNorm
    expand: Pointwise
    contract: Pointwise
    queries: Float[Array, "head_feature channel"]
    keys: Float[Array, "head_feature channel"]
    num_heads: int = eqx.field(static=True)

    def __init__(self, channels: int, num_heads: int, kernel_width: int, *, key: PRNGKeyArray):
        reduce_key, expand_key, contract_key, query_key, key_key = jrandom.split(key, 5)
        self.reduce = Pointwise(channels, channels, use_bias=False, key=reduce_key)
        self.norm = ChannelNorm(channels)
        self.expand = Pointwise(channels, 2 * channels, key=expand_key)
        self.contract = Pointwise(channels, channels, key=contract_key)
        shape = (num_heads * kernel_width, channels)
        limit = KERNEL_GAIN * math.sqrt(6.0 / sum(shape))
        self.queries = jrandom.uniform(query_key, shape, dtype=float, minval=-limit, maxval=limit)
        self.keys = jrandom.uniform(key_key, shape, dtype=float, minval=-limit, maxval=limit)
        self.num_heads = num_heads

    def __call__(
        self, x: Float[Array, "channel *space"], axis: int, weights: tuple[Array, ...], coordinates: np.ndarray
    ) -> Float[Array, "head point point"]:
        """The kernel along `axis`, with the quadrature weights of all axes and the coordinates of this one."""
        pooled = self.reduce(x)
        for other, share in reversed(list(enumerate(weights))):
            if other != axis:
                pooled = jnp.tensordot(pooled, share / jnp.sum(share), ((other + 1,), (0,)))
        value, gate = jnp.split(self.expand(self.norm(pooled)), 2)
        pooled = self.contract(gelu(value) * gate)
        queries, keys = (
            rotate(jnp.swapaxes((w @ pooled).reshape(self.num_heads, -1, pooled.shape[-1]), 1, 2), coordinates)
            for w in (self.queries, self.keys)
        )
        return jnp.einsum("hif,hjf->hij", queries, keys)


class FactorisedAttention(eqx.Module):
    """Integrals along every axis, with kernels that depend on the field: either side by side or one after the other.

    `v_a(x) = int K_a(x_a, s) v(x with x_a = s) ds`,   `y = (v_1, v_2, ...)` or `y = K_d ... K_1 v`

    **Arguments:**

    - `channels`.
    - `num_spatial_dims`.
    - `num_heads`, `head_width`: of the values `v = W_v u`.
    - `kernel_width`: features of queries and keys, even.
    - `chained`: whether the kernels follow each other (FactFormer) instead of all acting on `v`.
    - `key`.

    **Returns:** `num_heads head_width` channels, and as many times more as there are axes where not chained: the heads
    in order, within each head the axes.

    Li et al. 2023, arXiv:2305.17560; Yang et al. 2024, arXiv:2412.18840 (side by side).
    """

    values: Pointwise
    features: Pointwise
    kernels: tuple[AxisKernel, ...]
    chained: bool = eqx.field(static=True)

    def __init__(
        self,
        channels: int,
        num_spatial_dims: int,
        num_heads: int,
        head_width: int,
        kernel_width: int,
        chained: bool,
        *,
        key: PRNGKeyArray,
    ):
        if kernel_width % 2:
            raise ValueError(
                f"Queries and keys are turned in pairs of features; the width must be even, {kernel_width=}."
            )
        value_key, feature_key, *keys = jrandom.split(key, num_spatial_dims + 2)
        self.values = Pointwise(channels, num_heads * head_width, use_bias=False, key=value_key)
        self.features = Pointwise(channels, channels, use_bias=False, key=feature_key)
        self.kernels = tuple(AxisKernel(channels, num_heads, kernel_width, key=k) for k in keys)
        self.chained = chained

    def __call__(
        self, x: Float[Array, "channel *space"], axes: tuple[AbstractAxis, ...]
    ) -> Float[Array, "out_channel *space"]:
        grid = x.shape[1:]
        weights = tuple(jnp.asarray(axis.weights(n), x.dtype) for axis, n in zip(axes, grid, strict=True))
        features = self.features(x)
        v = self.values(x).reshape(self.kernels[0].num_heads, -1, *grid)
        parts = []
        for index, kernel in enumerate(self.kernels):
            matrix = kernel(features, index, weights, axes[index].coordinates(grid[index])) * weights[index][None, None]
            integral = _along(matrix, v, index + 2)
            if self.chained:
                v = integral
            parts.append(integral)
        y = v if self.chained else jnp.concatenate(parts, axis=1)
        return y.reshape(-1, *grid)


def _along(matrix: Float[Array, "head point point"], v: Float[Array, "head feature *space"], axis: int) -> Array:
    """Apply one matrix a head along an axis."""
    lines = jnp.moveaxis(v, axis, -1)
    return jnp.moveaxis(jnp.einsum("hij,h...j->h...i", matrix, lines), -1, axis)
