"""Convolutions that are differences, and become derivatives as the grid is refined."""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.initialisation import uniform_weight_and_bias
from fieldcast.surrogates.layers.padded_conv import padded_convolve, per_axis


class DifferentialConv(eqx.Module):
    """A learned first-order differential operator with constant coefficients, by a kernel that kills constants.

    `y[o, n] = N / N_ref sum_{i, k} W[o, i, k] (x[i, n + k] - x[i, n])  ->  sum_i b_{oi} . grad x_i`

    The sum of the kernel is taken from its centre, and the rest divided by the distance of the points, so that it
    converges to a directional derivative with first order, instead of to a multiple of the identity.

    **Arguments:**

    - `num_spatial_dims`: 1, 2 or 3.
    - `in_channels`, `out_channels`.
    - `reference_points`: `N_ref`, the number of points along the first axis at which the kernel counts as it is. The
      distance of the points is taken from that axis alone, as its length over their number (those of padding included),
      and must be the same along the others.
    - `periodic`: one bool for all axes, or one an axis; beyond the others the field stays as it is at the border.
    - `key`: for the initial values, uniform in `+-1 / sqrt(in_channels 3^d)`.

    Liu-Schiaffini et al. 2024, arXiv:2402.16845.
    """

    weight: Float[Array, "out_channel in_channel *kernel"]
    reference_points: int = eqx.field(static=True)
    periodic: tuple[bool, ...] = eqx.field(static=True)

    def __init__(
        self,
        num_spatial_dims: int,
        in_channels: int,
        out_channels: int,
        reference_points: int,
        periodic: bool | tuple[bool, ...] = True,
        *,
        key: PRNGKeyArray,
    ):
        shape = (out_channels, in_channels, *(3,) * num_spatial_dims)
        self.weight, _ = uniform_weight_and_bias(shape, math.prod(shape[1:]), key=key)
        self.reference_points = reference_points
        self.periodic = per_axis(periodic, num_spatial_dims)

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        middle = (slice(None), slice(None), *(1,) * (x.ndim - 1))
        totals = jnp.sum(self.weight, axis=range(2, self.weight.ndim))
        centred = self.weight.at[middle].add(-totals)
        bordered = jnp.pad(x, ((0, 0), *((0, 0) if wraps else (1, 1) for wraps in self.periodic)), mode="edge")
        y = padded_convolve(bordered, centred, self.periodic)
        inside = (slice(None), *(slice(None) if wraps else slice(1, -1) for wraps in self.periodic))
        return (x.shape[1] / self.reference_points) * y[inside]
