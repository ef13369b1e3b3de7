"""The classic U-Net."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.double_conv import DoubleConv
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.transposed_conv import TransposedConv
from fieldcast.surrogates.operators.field_check import check_field


class ClassicUNet(eqx.Module):
    """Pairs of convolutions on ever coarser grids and back, with one skip connection a level.

    Level `l` has `width 2^l` channels. Maxima over cells of two points a side halve the grid, transposed convolutions
    double it; what the level had on the way down stands beside what comes up.

    **Arguments:**

    - `in_channels`, `out_channels`: of the field; history is stacked in the channels.
    - `num_spatial_dims`: 1, 2 or 3.
    - `width`: channels at full resolution.
    - `num_levels`: how often the grid is halved; every axis must be divisible by `2^num_levels`.
    - `periodic`: whether the field goes on periodically beyond the grid instead of being zero there; one bool for all
      axes, or one an axis.
    - `key`.

    Good values: width 32 to 64, four levels. The baseline that everyone knows; `UNet` is the stronger one.

    **Raises:** `ValueError` when channels, axes or the grid do not fit.

    Ronneberger et al. 2015, arXiv:1505.04597, with padded convolutions, group normalisation and GELU.
    """

    down: tuple[DoubleConv, ...]
    rise: tuple[TransposedConv, ...]
    up: tuple[DoubleConv, ...]
    project: Pointwise

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_spatial_dims: int = 2,
        width: int = 64,
        num_levels: int = 4,
        periodic: bool | tuple[bool, ...] = False,
        *,
        key: PRNGKeyArray,
    ):
        down_key, rise_key, up_key, project_key = jax.random.split(key, 4)
        widths = [width * 2**level for level in range(num_levels + 1)]
        dims = num_spatial_dims
        self.down = tuple(
            DoubleConv(dims, before, after, periodic, key=k)
            for before, after, k in zip(
                [in_channels, *widths], widths, jax.random.split(down_key, len(widths)), strict=False
            )
        )
        self.rise = tuple(
            TransposedConv(dims, 2 * fine, fine, 2, periodic=periodic, key=k)
            for fine, k in zip(widths[:-1], jax.random.split(rise_key, num_levels), strict=True)
        )
        self.up = tuple(
            DoubleConv(dims, 2 * fine, fine, periodic, key=k)
            for fine, k in zip(widths[:-1], jax.random.split(up_key, num_levels), strict=True)
        )
        self.project = Pointwise(width, out_channels, key=project_key)

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        weight = self.down[0].first.weight
        check_field("ClassicUNet", u.shape, weight.shape[1], weight.ndim - 2, len(self.rise))
        x = self.down[0](u)
        kept = []
        for pair in self.down[1:]:
            kept.append(x)
            x = pair(_max_pool(x))
        for rise, pair, skip in reversed(list(zip(self.rise, self.up, kept, strict=True))):
            x = pair(jnp.concatenate([skip, rise(x)]))
        return self.project(x)


def _max_pool(x: Float[Array, "channel *space"]) -> Float[Array, "channel *coarse"]:
    for axis in range(1, x.ndim):
        x = jnp.maximum(lax.slice_in_dim(x, 0, None, 2, axis), lax.slice_in_dim(x, 1, None, 2, axis))
    return x
