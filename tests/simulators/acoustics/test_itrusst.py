"""The intercomparison's scenes against the published numbers."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.acoustics import itrusst
from fieldcast.simulators.acoustics.checks import check_scene
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.itrusst import BENCHMARKS, CASES, COMPARISON_PLANE, comparison_plane, scene
from fieldcast.simulators.acoustics.layered_beam import layered_beam
from fieldcast.simulators.grid import Grid

FACES = {
    "BM1": [],
    "BM2": [],
    "BM3": [30.0, 36.5],
    "BM4": [26.0, 30.0, 31.5, 35.5, 36.5],
    "BM5": [30.0, 36.5],
    "BM6": [26.0, 30.0, 31.5, 35.5, 36.5],
}
SOUND_SPEEDS = {
    "BM1": [1500],
    "BM2": [1500],
    "BM3": [1500, 2800, 1500],
    "BM4": [1500, 1610, 2800, 2300, 2800, 1560],
    "BM5": [1500, 2800, 1500],
    "BM6": [1500, 1610, 2800, 2300, 2800, 1560],
}


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_layers_on_the_axis(benchmark):
    grid = Grid((1200, 1, 1), 0.1e-3, (0.05e-3, 0.0, 0.0))
    sound_speed = np.asarray(benchmark.medium(grid).sound_speed)[:, 0, 0]
    steps = np.flatnonzero(np.diff(sound_speed))
    assert steps * 0.1 + 0.1 == pytest.approx(FACES[benchmark.name])
    assert sound_speed[[0, *(steps + 1)]].tolist() == SOUND_SPEEDS[benchmark.name]


@pytest.mark.parametrize(
    ("name", "radii"), [("BM5", [75.0, 68.5]), ("BM6", [79.0, 75.0, 73.5, 69.5, 68.5])], ids=["BM5", "BM6"]
)
def test_radii_of_the_shells_off_the_axis(name, radii):
    """Along the line y = z = 20 mm the faces lie where spheres about x = 105 mm cut it."""
    benchmark = next(benchmark for benchmark in BENCHMARKS if benchmark.name == name)
    grid = Grid((12000, 1, 1), 0.01e-3, (0.005e-3, 20e-3, 20e-3))
    sound_speed = np.asarray(benchmark.medium(grid).sound_speed)[:, 0, 0]
    expected = [105 - math.sqrt(radius**2 - 800) for radius in radii]
    assert np.flatnonzero(np.diff(sound_speed)) * 0.01 + 0.01 == pytest.approx(expected, abs=0.011)


@pytest.mark.parametrize(
    ("tissue", "sound_speed", "density", "nepers"),
    [
        (itrusst.LOSSLESS_WATER, 1500, 1000, 0.0),
        (itrusst.ABSORBING_WATER, 1500, 1000, 11.51),
        (itrusst.SKIN, 1610, 1090, 2.303),
        (itrusst.CORTICAL_BONE, 2800, 1850, 46.05),
        (itrusst.TRABECULAR_BONE, 2300, 1700, 92.10),
        (itrusst.BRAIN, 1560, 1040, 3.454),
    ],
    ids=["water", "absorbing water", "skin", "cortical bone", "trabecular bone", "brain"],
)
def test_tissues(tissue, sound_speed, density, nepers):
    medium = itrusst.Benchmark("uniform", before=tissue, behind=tissue).medium(Grid((2, 2, 2), 1e-3))
    assert float(medium.sound_speed[0, 0, 0]) == sound_speed
    assert float(medium.density[0, 0, 0]) == density
    assert float(medium.nepers_per_metre(500e3)[0, 0, 0]) == pytest.approx(nepers, rel=3e-4)


def test_sources():
    bowl, piston = itrusst.focused_bowl(), itrusst.piston()
    assert bowl.depth == pytest.approx(8.574e-3, abs=1e-6)
    assert np.asarray(bowl.geometric_focus) == pytest.approx([64e-3, 0, 0])
    assert piston.surface_measure == pytest.approx(math.pi * 1e-4)
    assert float(bowl.surface_pressure) == float(piston.surface_pressure) == 60e3 == pytest.approx(0.04 * 1500 * 1000)


@pytest.mark.parametrize("name", ["BM3-SC1", "BM6-SC2"])
def test_scene_covers_the_comparison_and_holds_its_source(name):
    found = scene(CASES[name], 0.75e-3)
    check_scene(found)
    x, y, z = found.grid.axes()
    assert (x[0], x[-1]) == pytest.approx((-2.5e-3, 122.5e-3), abs=2.5e-3)
    assert x[0] < 0 < 120e-3 < x[-1]
    assert y[0] <= -35e-3
    assert y[-1] >= 35e-3
    assert np.array_equal(y, z)
    assert np.min(np.abs(y)) < 1e-9


@pytest.mark.parametrize("spacing", [0.5e-3, 6.5e-3 / 9])
def test_flat_faces_lie_midway_between_points(spacing):
    x = itrusst._grid(spacing).axes()[0]
    for face in (30e-3, 36.5e-3):
        assert np.sort(np.abs(x - face))[:2] == pytest.approx(0.5 * spacing, rel=1e-6)


def test_layers_are_as_thick_as_published_on_the_published_spacing():
    medium = CASES["BM4-SC1"].benchmark.medium(itrusst._grid(0.5e-3))
    steps = np.flatnonzero(np.diff(np.asarray(medium.sound_speed[:, 71, 71])))
    x = medium.grid.axes()[0]
    assert 0.5e3 * (x[steps] + x[steps + 1]) == pytest.approx(FACES["BM4"])


@pytest.mark.parametrize(("spacing", "within", "at_edges"), [(0.5e-3, 3e-4, 3e-3), (0.75e-3, 5e-3, 3e-2)])
def test_comparison_plane_is_a_resampling(spacing, within, at_edges):
    """Two crossing waves, whose amplitude has zeros."""

    def pressure(x, y):
        wavenumber = 2 * np.pi * 500e3 / 1500
        return np.exp(-1j * wavenumber * x) + np.exp(-1j * wavenumber * (0.6 * x + 0.8 * y))

    full = itrusst._grid(spacing)
    grid = Grid((*full.shape[:2], 1), spacing, full.origin)
    x, y, _ = np.meshgrid(*grid.axes(), indexing="ij")
    found = comparison_plane(PressureField(jnp.asarray(pressure(x, y), jnp.complex64), grid, 500e3))
    error = np.abs(found - np.abs(pressure(*np.meshgrid(*COMPARISON_PLANE.axes(), indexing="ij"))))
    assert error.shape == (241, 141)
    assert np.max(error) < at_edges
    assert np.max(error[6:-6, 6:-6]) < within


def test_resampling_across_the_faces_of_the_bone():
    """The pressure has kinks there, which no spline follows; the focus is not touched."""
    benchmark, (wanted_x, wanted_y) = CASES["BM3-SC1"].benchmark, COMPARISON_PLANE.axes()

    def exact(x, y):
        offset, place = np.unique(np.round(np.abs(y), 9), return_inverse=True)
        field = layered_beam(itrusst.focused_bowl(), x, offset, layers=benchmark.layers, front=benchmark.front)
        return np.nan_to_num(field)[:, place]

    full = itrusst._grid(0.5e-3)
    grid = Grid((*full.shape[:2], 1), 0.5e-3, full.origin)
    x, y, _ = grid.axes()
    found = comparison_plane(PressureField(jnp.asarray(exact(x, y)[..., None], jnp.complex64), grid, 500e3))
    expected = np.abs(exact(wanted_x, wanted_y))
    away = wanted_x > 13e-3  # nothing is known up to the bowl's rim
    error = np.abs(found - expected)[away]
    assert np.linalg.norm(error) < 0.006 * np.linalg.norm(expected[away])
    assert np.max(error) < 0.03 * np.max(expected)
    behind = expected[wanted_x > 37e-3]
    assert np.max(found[wanted_x > 37e-3]) == pytest.approx(np.max(behind), rel=2e-4)


def test_comparison_plane_needs_a_phase():
    grid = Grid((4, 4, 1), 1e-3)
    with pytest.raises(ValueError, match="amplitude only"):
        comparison_plane(PressureField(jnp.ones(grid.shape), grid, 500e3))


def test_twelve_cases():
    assert list(CASES) == [f"BM{n}-SC{m}" for n in range(1, 7) for m in (1, 2)]
