"""Grids known by their points alone: integrals and derivatives as exact as the points allow."""

import numpy as np
import pytest

from fieldcast.simulators.flows.channel_grid import ChannelGrid
from fieldcast.simulators.flows.closed_box import ClosedBox
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.sampled_grid import SampledGrid
from fieldcast.simulators.flows.sphere_grid import SphereGrid


@pytest.mark.parametrize(
    "grid",
    [
        ChannelGrid((6, 9, 4), (2.0, 0.75)),
        PeriodicBox((5, 8), (3.0, 1.0)),
        SphereGrid(6, 12),
        ClosedBox((4, 6), (2.0, 3.0)),
    ],
)
def test_weights_and_lengths_are_found_again_from_points_in_single_precision(grid):
    points = (axis.astype(np.float32) for axis in grid.axes())
    found = SampledGrid.of(dict(zip(grid.axis_names, points, strict=True)), grid.periodic)
    assert (found.shape, found.axis_names, found.periodic) == (grid.shape, grid.axis_names, grid.periodic)
    for weights, expected in zip(found.weights(), grid.weights(), strict=True):
        np.testing.assert_allclose(weights, expected, rtol=1e-5)


def test_derivatives_of_waves_and_polynomials():
    x, y, z = np.arange(7) * 0.5, ChannelGrid((2, 9, 2), (1.0, 1.0)).axes()[1], np.asarray([0.0, 0.1, 0.3, 0.7])
    grid = SampledGrid.of({"x": x, "y": y, "z": z}, (True, False, False))
    assert grid.lengths == pytest.approx((3.5, 2.0, 0.7))
    k = 2.0 * np.pi / 3.5
    px, py, pz = grid.points()
    field = np.stack([np.sin(2 * k * px) * py**3 * pz**2, px * 0 + 1.0])
    np.testing.assert_allclose(grid.derivative(field, 0)[0], 2 * k * np.cos(2 * k * px) * py**3 * pz**2, atol=1e-12)
    np.testing.assert_allclose(grid.derivative(field, 1)[0], np.sin(2 * k * px) * 3 * py**2 * pz**2, atol=1e-12)
    inside = np.s_[..., 1:-1]  # of second order: a parabola is exact but for the ends
    np.testing.assert_allclose(
        grid.derivative(field, 2)[0][inside], (np.sin(2 * k * px) * py**3 * 2 * pz)[inside], atol=1e-12
    )
    np.testing.assert_allclose(grid.derivative(field, 0)[1], 0.0, atol=1e-14)


def test_the_wave_of_two_points_has_no_slope():
    grid = SampledGrid.of({"x": np.arange(6) * 1.0}, (True,))
    np.testing.assert_allclose(grid.derivative(np.cos(np.pi * np.arange(6)), 0), 0.0, atol=1e-14)


@pytest.mark.parametrize(
    ("points", "periodic", "reason"),
    [
        ([0.0, 1.0, 0.5], False, "rising"),
        ([0.0, 1.0, 3.0], True, "equally spaced"),
    ],
)
def test_axes_without_sense_are_refused(points, periodic, reason):
    with pytest.raises(ValueError, match=reason):
        SampledGrid.of({"x": np.asarray(points)}, (periodic,))
