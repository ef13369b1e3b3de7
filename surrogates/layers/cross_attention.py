"""Attention between a field and a set of tokens, in both directions."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.fourier_features import fourier_features, num_fourier_features
from fieldcast.surrogates.layers.initialisation import zero_initialised
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.resample import average_pool, upsample


class CrossAttention(eqx.Module):
    """Let a field look at a set of tokens, and the tokens at the field.

    With `v_n` the field's features at cell `n` beside the Fourier features of its place, and `z_i` the tokens,

    `a_n = MHA(query v_n, keys and values z_i)`,   `x <- x + F [x, a]`

    `b_i = MHA(query z_i, keys and values v_n)`,   `z_i <- z_i + G [z_i, b_i]`

    `MHA` is multi-head softmax attention; both use the `x` and `z` that came in. The fusions `F` (at every point) and
    `G` (for every token) are zero at initialisation, so the layer starts as the identity. The field is average-pooled
    `num_poolings` times before it attends, and `a` is interpolated back: the cost is linear in the number of cells
    left, times the number of tokens. The order of the tokens does not matter.

    **Arguments:**

    - `num_spatial_dims`, `channels`: of the field.
    - `token_width`: of the tokens, and of all heads together.
    - `num_heads`: must divide `token_width`.
    - `num_frequencies`: of the Fourier features of the cells' places.
    - `num_poolings`: how many times the field is halved before it attends.
    - `key`.

    Vaswani et al. 2017, arXiv:1706.03762.
    """

    field_attends: eqx.nn.MultiheadAttention
    tokens_attend: eqx.nn.MultiheadAttention
    field_fusion: Pointwise
    token_fusion: eqx.nn.Linear
    num_frequencies: int = eqx.field(static=True)
    num_poolings: int = eqx.field(static=True)

    def __init__(
        self,
        num_spatial_dims: int,
        channels: int,
        token_width: int,
        num_heads: int,
        num_frequencies: int,
        num_poolings: int,
        *,
        key: PRNGKeyArray,
    ):
        if token_width % num_heads:
            raise ValueError(f"{num_heads} heads cannot share a token width of {token_width} equally.")
        keys = jax.random.split(key, 4)
        voxel_width = channels + num_fourier_features(num_spatial_dims, num_frequencies)
        head_width = token_width // num_heads

        def attention(query: int, other: int, output: int, key: PRNGKeyArray) -> eqx.nn.MultiheadAttention:
            return eqx.nn.MultiheadAttention(
                num_heads, query, other, other, output, qk_size=head_width, vo_size=head_width, key=key
            )

        self.field_attends = attention(voxel_width, token_width, channels, keys[0])
        self.tokens_attend = attention(token_width, voxel_width, token_width, keys[1])
        self.field_fusion = zero_initialised(Pointwise(2 * channels, channels, key=keys[2]))
        self.token_fusion = zero_initialised(eqx.nn.Linear(2 * token_width, token_width, key=keys[3]))
        self.num_frequencies = num_frequencies
        self.num_poolings = num_poolings

    def __call__(
        self, x: Float[Array, "channel *space"], tokens: Float[Array, "point token"]
    ) -> tuple[Float[Array, "channel *space"], Float[Array, "point token"]]:
        coarse = x
        for _ in range(self.num_poolings):
            coarse = average_pool(coarse)
        places = fourier_features(cell_centres(coarse.shape[1:], x.shape[1:], x.dtype), self.num_frequencies)
        voxels = jnp.concatenate([coarse.reshape(x.shape[0], -1).T, places], axis=1)
        answers = self.field_attends(voxels, tokens, tokens).T.reshape(coarse.shape)
        token_answers = self.tokens_attend(tokens, voxels, voxels)
        x = x + self.field_fusion(jnp.concatenate([x, upsample(answers, 2**self.num_poolings)]))
        tokens = tokens + jax.vmap(self.token_fusion)(jnp.concatenate([tokens, token_answers], axis=1))
        return x, tokens


def cell_centres(coarse: tuple[int, ...], fine: tuple[int, ...], dtype: jnp.dtype) -> Float[Array, "cell axis"]:
    """Centres of the cells of a coarsened grid, where the first and last point of the fine grid lie at -1 and 1."""
    axes = []
    for num_cells, num_points in zip(coarse, fine, strict=True):
        size = num_points / num_cells
        index = size * (jnp.arange(num_cells, dtype=dtype) + 0.5) - 0.5
        axes.append(2.0 * index / max(num_points - 1, 1) - 1.0)
    return jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(fine))
