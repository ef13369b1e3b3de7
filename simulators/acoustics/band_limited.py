"""Sources that do not lie on grid points: surfaces spread over a grid by its band-limited interpolant."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fieldcast.simulators.acoustics.transducer import Transducer
from fieldcast.simulators.grid import Grid

POINTS_PER_CELL = 2
"""Integration points on a grid cell's worth of surface; the error at half the grid's bandwidth is then below 1e-8."""

_BLOCK = 2**22
"""Numbers in the largest intermediate array."""

_SERIES = 0.02
"""Angle below which the interpolant is summed as a series, because its quotient loses digits there."""


class SourcePatterns(eqx.Module):
    """A transducer on a grid: row r radiates `weights[r] sin(2 pi f t + phases[r])`.

    - `weights`: shape `(row, *space)` [Pa]; one row for a transducer that vibrates in phase, two otherwise.
    - `phases`: shape `(row,)` [rad].
    """

    weights: Float[Array, "row *space"]
    phases: Float[Array, " row"]


def source_patterns(transducer: Transducer, grid: Grid, points_per_cell: int = POINTS_PER_CELL) -> SourcePatterns:
    """What each grid point must radiate for the surface of `transducer`: an additive pressure source.

        weights(x) = sum_p pressure_p measure_p / dx^(ndim - 1) prod_d D_N((x_d - y_pd) / dx)

    Points y on the surface, spread by the periodic sinc D_N. Differentiable in the transducer's position, axis,
    pressures and phases.

    **Arguments:**

    - `transducer`, `grid`: of the same number of axes.
    - `points_per_cell`: integration points on each `dx^(ndim - 1)` of surface, approximately.

    Source: Wise et al., JASA 146(1), 2019, doi:10.1121/1.5116132.
    """
    if transducer.ndim != grid.ndim:
        raise ValueError(f"A {transducer.ndim}-D transducer does not fit a {grid.ndim}-D grid.")
    cell = grid.spacing ** (grid.ndim - 1)
    samples = transducer.samples(grid.spacing / points_per_cell ** (1.0 / (grid.ndim - 1)))
    strength = samples.pressure * samples.measure / cell
    if samples.phase.ndim == 0:
        return SourcePatterns(spread(samples.points, strength[None], grid), samples.phase[None])
    strengths = jnp.stack([strength * jnp.cos(samples.phase), strength * jnp.sin(samples.phase)])
    quarter = jnp.asarray([0.0, 0.5 * math.pi], strength.dtype)
    return SourcePatterns(spread(samples.points, strengths, grid), quarter)


def spread(
    points: Float[Array, "point axis"], strengths: Float[Array, "row point"], grid: Grid
) -> Float[Array, "row *space"]:
    """Deltas of given strengths at world `points` [m], as the grid's band-limited interpolant holds them.

    A sum of products of one factor for each axis, hence one matrix product for each block of points; nothing is cut
    off. A point outside of the grid comes back in at the other side: check first.

    **Arguments:**

    - `points`: shape `(point, axis)` [m].
    - `strengths`: shape `(row, point)`; one map for each row.

    **Returns:** maps of shape `(row, *space)`; each sums to the sum of its strengths.
    """
    dtype = strengths.dtype
    block = max(1, _BLOCK // math.prod(grid.shape[:-1]))
    num_blocks = math.ceil(len(points) / block)
    missing = num_blocks * block - len(points)
    index = jnp.pad(grid.to_index(points).astype(dtype), ((0, missing), (0, 0)))
    strengths = jnp.pad(strengths, ((0, 0), (0, missing)))
    blocks = (
        index.reshape(num_blocks, block, grid.ndim),
        jnp.moveaxis(strengths.reshape(-1, num_blocks, block), 1, 0),
    )

    @jax.checkpoint
    def add(total, part):
        index, strengths = part
        factors = [_along_axis(index[:, axis], n) for axis, n in enumerate(grid.shape)]
        return total + _outer_sum(strengths, factors), None

    total = jnp.zeros((len(strengths), *grid.shape), dtype)
    return jax.lax.scan(add, total, blocks)[0]


def periodic_sinc(offset: Float[Array, "*shape"], num_points: int) -> Float[Array, "*shape"]:
    """The band-limited interpolant `D_N(offset)` of a periodic grid: 1 at zero, 0 at every other grid point.

    D_N(x) = sin(pi x) / (N tan(pi x / N))   (N even),   sin(pi x) / (N sin(pi x / N))   (N odd)
    """
    offset = offset - num_points * jnp.round(offset / num_points)
    nearest = jnp.round(offset)
    sign = 1.0 - 2.0 * jnp.mod(nearest, 2.0)
    angle = math.pi * offset
    near = jnp.abs(angle) < _SERIES
    safe = jnp.where(near, 1.0, angle) / num_points
    quotient = sign * jnp.sin(math.pi * (offset - nearest))
    square, small = jnp.where(near, angle, 0.0) ** 2, 1.0 / num_points**2
    series = 1.0 - square / 6.0 + square**2 / 120.0
    if num_points % 2 == 0:
        value = quotient / (num_points * jnp.tan(safe))
        series = series * (1.0 - small * square / 3.0 - small**2 * square**2 / 45.0)
    else:
        value = quotient / (num_points * jnp.sin(safe))
        series = series * (1.0 + small * square / 6.0 + 7.0 * small**2 * square**2 / 360.0)
    return jnp.where(near, series, value)


def _along_axis(index: Float[Array, " point"], num_points: int) -> Float[Array, "point index"]:
    return periodic_sinc(jnp.asarray(np.arange(num_points), index.dtype)[None] - index[:, None], num_points)


def _outer_sum(strengths: Float[Array, "row point"], factors: list[Array]) -> Float[Array, "row *space"]:
    """`sum_p strengths[r, p] prod_d factors[d][p, x_d]`."""
    *leading, last = factors
    product = strengths[:, :, None]
    for factor in leading:
        product = (product[..., None] * factor[None, :, None, :]).reshape(*product.shape[:2], -1)
    total = jnp.einsum("rpx,pz->rxz", product, last, precision=jax.lax.Precision.HIGHEST)
    return total.reshape(len(strengths), *(factor.shape[1] for factor in factors))
