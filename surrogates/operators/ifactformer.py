"""The implicit factorised transformer."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.axes import AbstractAxis, cell_volumes
from fieldcast.surrogates.layers.channel_norm import ChannelNorm, standardise
from fieldcast.surrogates.layers.factorised_attention import FactorisedAttention
from fieldcast.surrogates.layers.gelu import gelu
from fieldcast.surrogates.layers.initialisation import uniform_weight_and_bias
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.repeated import repeated
from fieldcast.surrogates.operators.field_check import check_field


class IFactFormer(eqx.Module):
    """One layer of factorised attention, iterated `L` times by small steps in a latent space.

    `x <- x + F(x) / L`, `L` times;   `F(x) = MLP(InstanceNorm(Attention(LayerNorm(x))))`

    All iterations share their weights. With axes whose weights are those of a quadrature it is a function-space model:
    answers converge as the grid is refined. With `CountingAxis` it is the published one, for one grid.

    **Arguments:**

    - `in_channels`, `out_channels`.
    - `axes`: one a spatial dimension, of 1 to 3.
    - `width`: channels.
    - `num_heads`: of the attention, each as wide as the model.
    - `num_iterations`: `L`.
    - `chained`: whether the integrals along the axes follow each other (IFactFormer-o) instead of standing side by side
      (IFactFormer-m); chained, long rollouts have been found to be unstable.
    - `published_2025_02`: the form of the authors' code of February 2025, which takes the mean and deviation at each
      plane of the first axis over all channels, and has, side by side, one more perceptron.
    - `key`.

    The lengths in the rotary embedding are physical: `axes` of a channel have 4 pi, 2 and 4 pi / 3. The frequencies of
    the position are no parameters, and the same in all models: the published counts hold them, 144 at the defaults.

    Good values: width 96, five heads, ten iterations.

    **Raises:** `ValueError` when channels or axes do not fit.

    Yang et al. 2024, arXiv:2412.18840.
    """

    stem_weight: Float[Array, "in_channel feature"]
    stem_bias: Float[Array, "in_channel feature"]
    lift: Pointwise
    position: Pointwise
    layer: "FactorisedLayer"
    head: tuple[Pointwise, Pointwise]
    axes: tuple[AbstractAxis, ...]
    num_iterations: int = eqx.field(static=True)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        axes: tuple[AbstractAxis, ...],
        width: int = 96,
        num_heads: int = 5,
        num_iterations: int = 10,
        chained: bool = False,
        published_2025_02: bool = False,
        *,
        key: PRNGKeyArray,
    ):
        if width % 2:
            raise ValueError(f"Half of the width is used for sines and half for cosines; it must be even, got {width}.")
        stem_key, lift_key, position_key, layer_key, first_key, second_key = jrandom.split(key, 6)
        stem_width = max(width // 2 // in_channels, 1)
        weight, bias = uniform_weight_and_bias((in_channels * stem_width,), 1, key=stem_key)
        self.stem_weight, self.stem_bias = (value.reshape(in_channels, stem_width) for value in (weight, bias))
        self.lift = Pointwise(in_channels * stem_width, width, use_bias=False, key=lift_key)
        self.position = Pointwise(width, width, key=position_key)
        self.layer = FactorisedLayer(width, len(axes), num_heads, chained, published_2025_02, key=layer_key)
        self.head = (
            Pointwise(width, width // 2, use_bias=False, key=first_key),
            Pointwise(width // 2, out_channels, key=second_key),
        )
        self.axes = axes
        self.num_iterations = num_iterations

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        check_field("IFactFormer", u.shape, self.stem_weight.shape[0], len(self.axes))
        space = range(2, u.ndim + 1)
        stem = jnp.expand_dims(self.stem_weight, space) * u[:, None] + jnp.expand_dims(self.stem_bias, space)
        x = self.lift(gelu(stem.reshape(-1, *u.shape[1:])))
        x = x + self.position(self._waves(u.shape[1:]).astype(x.dtype))
        x = repeated(lambda x: x + self.layer(x, self.axes) / self.num_iterations, x, self.num_iterations)
        return self.head[1](gelu(self.head[0](x)))

    @property
    def frequencies(self) -> Float[np.ndarray, "axis frequency"]:
        """`B`, normal numbers of deviation 8 that depend on their shape alone: files of weights need not hold them."""
        # the one generator whose numbers NumPy promises to keep
        return 8.0 * np.random.RandomState(0).standard_normal((len(self.axes), self.position.weight.shape[1] // 2))

    def _waves(self, grid: tuple[int, ...]) -> Float[Array, "channel *space"]:
        """`(sin, cos)(2 pi B^T p)` at the points `p` of the grid."""
        phases = jnp.zeros((1,) * (1 + len(grid)))
        for index, (axis, frequencies) in enumerate(zip(self.axes, self.frequencies, strict=True)):
            turns = np.multiply.outer(frequencies, axis.coordinates(grid[index])) % 1.0
            others = [other for other in range(1, 1 + len(grid)) if other != 1 + index]
            phases = phases + 2.0 * math.pi * jnp.asarray(np.expand_dims(turns, others), phases.dtype)
        return jnp.concatenate([jnp.sin(phases), jnp.cos(phases)])


class FactorisedLayer(eqx.Module):
    """`F(x) = W_2 GELU(W_1 InstanceNorm(Attention(LayerNorm(x))))`, and one perceptron more in the earlier form."""

    norm: ChannelNorm
    attention: FactorisedAttention
    maps: tuple[Pointwise, ...]
    planewise: bool = eqx.field(static=True)

    def __init__(
        self,
        width: int,
        num_spatial_dims: int,
        num_heads: int,
        chained: bool,
        published_2025_02: bool,
        *,
        key: PRNGKeyArray,
    ):
        attention_key, *keys = jrandom.split(key, 5)
        self.norm = ChannelNorm(width)
        self.attention = FactorisedAttention(
            width, num_spatial_dims, num_heads, width, num_spatial_dims * width, chained, key=attention_key
        )
        widths = [num_heads * width * (1 if chained else num_spatial_dims), *[width] * 4]
        depth = 4 if published_2025_02 and not chained else 2
        self.maps = tuple(Pointwise(widths[i], width, use_bias=False, key=keys[i]) for i in range(depth))
        self.planewise = published_2025_02

    def __call__(
        self, x: Float[Array, "channel *space"], axes: tuple[AbstractAxis, ...]
    ) -> Float[Array, "channel *space"]:
        y = self.attention(self.norm(x), axes)
        y = standardise(y, self._volumes(axes, y), over_channels=self.planewise)
        for index, linear in enumerate(self.maps):
            y = linear(gelu(y) if index % 2 else y)
        return y

    def _volumes(self, axes: tuple[AbstractAxis, ...], y: Array) -> Array:
        """For means over the domain, or over each plane of the first axis."""
        grid = y.shape[1:]
        volumes = cell_volumes(axes[1:], grid[1:])[None] if self.planewise else cell_volumes(axes, grid)
        return jnp.asarray(volumes, y.dtype)
