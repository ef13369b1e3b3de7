"""The exact field behind flat layers: closed formulas, the plane wave, and a solver on a grid."""

import numpy as np
import pytest

from fieldcast.simulators.acoustics.born_series import BornSeries
from fieldcast.simulators.acoustics.itrusst import (
    ABSORBING_WATER,
    BRAIN,
    CORTICAL_BONE,
    LOSSLESS_WATER,
    SKIN,
    Benchmark,
    focused_bowl,
    piston,
)
from fieldcast.simulators.acoustics.layered_beam import layered_beam
from fieldcast.simulators.acoustics.layers import Layer, plane_wave, wavenumber
from fieldcast.simulators.acoustics.medium import Tissue
from fieldcast.simulators.acoustics.oneil import bowl_on_axis, piston_on_axis
from fieldcast.simulators.acoustics.piston import Piston
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.grid import Grid

AXIS = np.zeros(1)
SLAB = [Layer(SKIN, 1e-3), Layer(CORTICAL_BONE, 2.5e-3)]


@pytest.mark.parametrize("water", [LOSSLESS_WATER, ABSORBING_WATER], ids=["BM1", "BM2"])
def test_sources_on_their_axes(water):
    x = np.linspace(10e-3, 120e-3, 56)
    k = wavenumber(water, 500e3)
    field = layered_beam(focused_bowl(), x, AXIS, before=water, behind=water)[:, 0]
    exact = 60e3 * bowl_on_axis(x, radius_of_curvature=64e-3, aperture_diameter=64e-3, wavenumber=k)
    assert np.max(np.abs(field - exact)) < 1e-10 * np.max(np.abs(exact))
    x = np.concatenate([[0.5e-3], x])
    field = layered_beam(piston(), x, AXIS, before=water, behind=water)[:, 0]
    exact = 60e3 * piston_on_axis(x, radius=10e-3, wavenumber=k)
    assert field[1:] == pytest.approx(exact[1:], rel=1e-10)
    assert field[0] == pytest.approx(exact[0], rel=1e-5)


def test_published_peak():
    field = layered_beam(focused_bowl(), np.asarray([61.93e-3]), AXIS)
    assert abs(field[0, 0]) == pytest.approx(1094.411e3, rel=1e-6)


def test_off_the_axis_against_the_rayleigh_integral():
    source, k = piston(), wavenumber(LOSSLESS_WATER, 500e3)
    surface = source.samples(0.1e-3)
    points, areas = np.asarray(surface.points, float), np.asarray(surface.measure, float)
    x, r = np.asarray([3e-3, 40e-3]), np.asarray([2e-3, 12e-3])
    field = layered_beam(source, x, r)
    for i, j in np.ndindex(2, 2):
        distance = np.linalg.norm(points - np.asarray([x[i], 0.0, r[j]]), axis=1)
        exact = 60e3 * 1j * k / (2 * np.pi) * np.sum(areas * np.exp(-1j * k * distance) / distance)
        assert field[i, j] == pytest.approx(exact, abs=10.0)


def test_layers_of_the_same_fluid_are_not_there():
    x, r = np.asarray([5e-3, 22e-3, 50e-3]), np.asarray([0.0, 7e-3])
    water = [Layer(LOSSLESS_WATER, 3e-3), Layer(LOSSLESS_WATER, 4e-3)]
    layered = layered_beam(piston(), x, r, layers=water, front=20e-3)
    assert layered == pytest.approx(layered_beam(piston(), x, r), rel=1e-9)


def test_wide_piston_sends_a_plane_wave():
    """In a fluid so lossy that nothing arrives from the rim."""
    syrup = Tissue(1500.0, 1000.0, 140.0, 2.0)
    wide = Piston(diameter=80e-3, frequency=500e3, surface_pressure=1.0, position=(0.0, 0.0, 0.0), axis=(1.0, 0.0, 0.0))
    x, front = np.asarray([2e-3, 5.5e-3, 6.5e-3, 8e-3, 12e-3]), 6e-3
    field = layered_beam(wide, x, AXIS, layers=SLAB, front=front, before=syrup, behind=BRAIN)[:, 0]
    wave = plane_wave(SLAB, frequency=500e3, before=syrup, behind=BRAIN)
    expected = np.exp(-1j * wavenumber(syrup, 500e3) * front) * wave.pressure(x - front)
    assert field == pytest.approx(expected, rel=1e-3)


def test_born_series_behind_layers():
    """A small piston in front of skin and bone: six points a wavelength, the faces midway between points."""
    source = Piston(
        diameter=8e-3, frequency=500e3, surface_pressure=60e3, position=(0.0, 0.0, 0.0), axis=(1.0, 0.0, 0.0)
    )
    grid = Grid((28, 31, 31), 0.5e-3, (-2.25e-3, -7.5e-3, -7.5e-3))
    scene = Scene(Benchmark("slab", 6e-3, tuple(SLAB), behind=BRAIN).medium(grid), source)
    found = np.asarray(BornSeries()(scene).pressure)[:, 15, 15:27]
    x, y, _ = grid.axes()
    exact = layered_beam(source, x, y[15:27], layers=SLAB, front=6e-3, before=LOSSLESS_WATER, behind=BRAIN)
    beyond = x > 2e-3
    error = np.linalg.norm(found[beyond] - exact[beyond]) / np.linalg.norm(exact[beyond])
    assert error < 0.02
    assert np.linalg.norm(exact[x > 9.5e-3]) > 0.2 * np.linalg.norm(exact[beyond])  # the slab lets enough through


def test_source_within_the_layers_is_refused():
    with pytest.raises(ValueError, match="reaches to"):
        layered_beam(focused_bowl(), np.asarray([50e-3]), AXIS, layers=SLAB, front=8e-3)
