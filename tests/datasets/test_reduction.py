"""What is kept of a state: means of cells, long waves, filtered points."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from flow_recipes import Decay

from fieldcast.datasets.reduction import CellMeans, FilteredPoints, LongWaves, strides_to
from fieldcast.simulators import spectral
from fieldcast.simulators.flows.compressible import CompressibleFlow
from fieldcast.simulators.flows.filters import BoxFilter
from fieldcast.simulators.flows.navier_stokes_2d import NavierStokes2D
from fieldcast.simulators.flows.periodic_box import PeriodicBox

BOX = PeriodicBox((12, 18), (2.0, 3.0))


def test_cell_means_keep_mass_momentum_and_energy():
    flow = CompressibleFlow(BOX, dt=0.1)
    rng = np.random.default_rng(0)
    fields = np.stack([rng.uniform(1, 2, (12, 18)), *rng.normal(size=(2, 12, 18)), rng.uniform(1, 2, (12, 18))])
    state = flow.encode(jnp.asarray(fields, float))
    kept = CellMeans(3)(flow, state)
    assert kept.shape == (4, 4, 6)
    coarse = CompressibleFlow(PeriodicBox((4, 6), BOX.lengths), dt=0.1).encode(kept)
    for i in range(4):
        for j in range(6):
            cell = np.asarray(state)[:, 3 * i : 3 * i + 3, 3 * j : 3 * j + 3]
            np.testing.assert_allclose(coarse[:, i, j], cell.mean(axis=(1, 2)), rtol=1e-5, atol=1e-6)
    for points, along, cells in zip(CellMeans(3).axes(BOX), BOX.axes(), (4, 6), strict=True):
        np.testing.assert_allclose(points, along.reshape(cells, 3)[:, 1], rtol=1e-12)


def test_long_waves_are_sampled_exactly_and_short_ones_leave_nothing():
    flow = NavierStokes2D(BOX, viscosity=0.1, dt=0.1)
    x, y = 2 * np.pi * BOX.points() / np.reshape(BOX.lengths, (2, 1, 1))
    long, short = np.cos(2 * x + 1) * np.sin(y) + np.cos(3 * y), np.cos(3 * x) * np.sin(4 * y) + np.sin(5 * y)
    reduction = LongWaves((5, 9))
    kept = reduction(flow, flow.encode(jnp.asarray((long + short)[None], float)))
    x, y = (2 * np.pi * points / length for points, length in zip(reduction.axes(BOX), BOX.lengths, strict=True))
    expected = np.cos(2 * x[:, None] + 1) * np.sin(y) + np.cos(3 * y)
    np.testing.assert_allclose(kept[0], expected, atol=1e-5)


@pytest.mark.parametrize("num_points", [(6, 8), (12, 18)])
def test_long_waves_of_a_velocity_have_no_divergence(num_points):
    """Not on even numbers of points either, where a wave of two points has lost its sine."""
    rng = np.random.default_rng(1)
    k, m = spectral.wavenumbers(BOX.num_points, BOX.spacing)
    streamfunction = np.fft.rfft2(rng.normal(size=BOX.shape))
    velocity = np.fft.irfft2(np.stack([1j * m * streamfunction, -1j * k * streamfunction]), s=BOX.shape)
    kept = np.asarray(LongWaves(num_points)(Decay(BOX), jnp.asarray(velocity, float)))
    k, m = spectral.wavenumbers(num_points, tuple(np.divide(BOX.lengths, num_points).tolist()))
    u, v = np.fft.rfft2(kept)
    assert np.abs(k * u).max() > 1.0
    np.testing.assert_allclose(k * u + m * v, 0.0, atol=1e-5 * np.abs(k * u).max())


def test_filtered_points_are_means_over_the_width():
    """A box filter of width `D` leaves `sin(k D / 2) / (k D / 2)` of a wave, at the points kept."""
    flow = NavierStokes2D(BOX, viscosity=0.1, dt=0.1)
    x, y = BOX.points()
    k = 2 * np.pi * 3 / 2.0
    reduction = FilteredPoints(BoxFilter((0.5, None), (2.0, None)), (2, 3))
    kept = reduction(flow, flow.encode(jnp.asarray((np.cos(k * x) + 0 * y)[None], float)))
    x = reduction.axes(BOX)[0]
    np.testing.assert_array_equal(x, BOX.axes()[0][::2])
    expected = math.sin(0.25 * k) / (0.25 * k) * np.cos(k * x)
    np.testing.assert_allclose(kept[0], np.broadcast_to(expected[:, None], (6, 6)), atol=1e-6)


def test_strides_keep_both_walls():
    assert strides_to((128, 129, 128), (32, 33, 16), (False, True, False)) == (4, 4, 8)
    with pytest.raises(ValueError, match=r"less one between walls"):
        strides_to((128, 128, 128), (32, 32, 16), (False, True, False))
