"""`KSpace` on scenes: equal to the k-Wave driver, right in water, traceable, and strict about what it is given."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kspace_scenes import FREQUENCY, small_bowl, textured_scene

from fieldcast.simulators.acoustics.kspace import KSpace
from fieldcast.simulators.acoustics.kspace_absorption import Lossless, PowerLaw
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.kwave import KWave
from fieldcast.simulators.acoustics.medium import homogeneous
from fieldcast.simulators.acoustics.piston import Piston
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.transducer_array import TransducerArray
from fieldcast.simulators.grid import Grid

SHORT = {"steps_per_period": 20, "settle_periods": 6, "most_periods": 8, "tolerance": 0.0}


def relative_l2(answer, truth):
    return float(np.linalg.norm(np.asarray(answer) - np.asarray(truth)) / np.linalg.norm(np.asarray(truth)))


def in_single_precision(scene):
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf, scene)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("shape", "settings"),
    [((28, 31), {}), ((28, 31), {"compensate_time_step": False}), ((14, 16, 18), {})],
    ids=["2-D", "2-D, maps as they are", "3-D"],
)
def test_equals_the_kwave_driver(shape, settings):
    scene = textured_scene(shape, phase=0.4)
    reference = KWave(precision=np.float64, progress=False, **settings)(scene).pressure
    assert relative_l2(KSpace(**settings)(scene).pressure, reference) < 1e-10
    if not settings:
        single = KSpace()(in_single_precision(scene)).pressure
        assert single.dtype == jnp.complex64
        assert relative_l2(single, reference) < 1e-5


@pytest.mark.usefixtures("x64")
def test_equals_the_kwave_driver_with_dispersion_and_an_array():
    scene = textured_scene((34, 37))
    elements = [
        Piston(
            diameter=3e-3,
            frequency=FREQUENCY,
            surface_pressure=1e5 + 2e4 * n,
            phase=0.8 * n,
            position=(4e-3 * n - 5e-3, -14e-3),
            axis=(0.1, 1.0),
        )
        for n in range(3)
    ]
    scene = Scene(scene.medium, TransducerArray.of(elements))
    reference = KWave(precision=np.float64, progress=False, dispersion=True, pml_size=9)(scene).pressure
    solve = KSpace(absorption=PowerLaw(dispersion=True), layer=PerfectlyMatchedLayer(9))
    assert relative_l2(solve(scene).pressure, reference) < 1e-10


@pytest.mark.parametrize("kind", ["bowl", "piston"])
def test_field_in_water_equals_the_surface_integral(kind):
    """`P = (i k p0 / 2 pi) sum exp(-i k R) / R dS`, at 4.5 points per wavelength, in front of an oblique transducer."""
    grid = Grid((22, 20, 30), 1e-3)
    pose = {"position": (-1.7e-3, -0.2e-3, -11.4e-3), "axis": (0.15, 0.0, 1.0)}
    if kind == "bowl":
        transducer = small_bowl(grid, radius_of_curvature=15e-3, aperture_diameter=12e-3, phase=0.3, **pose)
    else:
        transducer = Piston(diameter=10e-3, frequency=FREQUENCY, surface_pressure=1e5, phase=0.3, **pose)
    field = KSpace(tolerance=1e-3)(Scene(homogeneous(grid), transducer)).pressure[:, :, 8:]
    surface = transducer.samples(0.5e-3)
    sources, pieces = np.asarray(surface.points, np.float64), np.asarray(surface.measure, np.float64)
    wavenumber = 2 * np.pi * FREQUENCY / 1500.0
    points = np.stack(np.meshgrid(*grid.axes(), indexing="ij"))[:, :, :, 8:]
    exact = np.zeros(points.shape[1:], complex)
    for source, piece in zip(sources, pieces, strict=True):
        distance = np.linalg.norm(points - source[:, None, None, None], axis=0)
        exact += piece * np.exp(-1j * wavenumber * distance) / distance
    exact *= 1j * wavenumber * 1e5 / (2 * np.pi) * np.exp(0.3j)
    assert relative_l2(field, exact) < 0.01


@pytest.mark.usefixtures("x64")
def test_time_step_hardly_matters_when_compensated():
    scene = textured_scene((22, 24))
    errors = {}
    for compensate in (True, False):
        coarse, fine = (
            KSpace(steps_per_period=steps, tolerance=1e-3, most_periods=40, compensate_time_step=compensate)(scene)
            for steps in (20, 60)
        )
        errors[compensate] = relative_l2(coarse.pressure, fine.pressure)
    assert errors[True] < 0.3 * errors[False]


def test_runs_until_the_field_repeats_itself():
    scene = textured_scene((22, 24))
    settled = KSpace(tolerance=0.0, most_periods=60)(scene).pressure
    errors = [
        relative_l2(KSpace(tolerance=tolerance, most_periods=60)(scene).pressure, settled)
        for tolerance in (0.03, 0.003)
    ]
    assert errors[0] < 0.1
    assert errors[1] < min(0.01, 0.5 * errors[0])
    with pytest.warns(UserWarning, match="not steady: the last two of 9 periods"):
        KSpace(tolerance=1e-6, settle_periods=7, most_periods=9)(scene)


def test_attenuation_of_zero_needs_no_transforms():
    scene = textured_scene((30, 32))
    scene = eqx.tree_at(lambda s: s.medium.attenuation, scene, jnp.zeros((30, 32)))
    planned = KSpace(**SHORT).planned(scene)
    traced = eqx.filter_jit(KSpace(**SHORT))(scene).pressure
    assert relative_l2(planned(scene).pressure, traced) < 1e-5
    assert isinstance(planned.absorption, Lossless)


def test_jit_and_vmap():
    scene = textured_scene((30, 32))
    with pytest.raises(ValueError, match="cannot choose steps_per_period and settle_periods"):
        eqx.filter_jit(KSpace())(scene)
    solve = KSpace(tolerance=0.02).planned(scene)
    expected = solve(scene).pressure
    assert relative_l2(eqx.filter_jit(solve)(scene).pressure, expected) < 1e-6

    def with_phase(phase):
        return solve(eqx.tree_at(lambda s: s.transducer.phase, scene, phase)).pressure

    fields = jax.vmap(with_phase)(jnp.asarray([0.0, 1.2]))
    assert relative_l2(fields[0], expected) < 1e-6
    assert relative_l2(fields[1], np.exp(1.2j) * expected) < 1e-2  # the transient depends on the phase


def test_traced_scenes_that_are_broken_are_refused():
    scene = textured_scene((30, 32))
    solve = KSpace(**SHORT)
    broken = eqx.tree_at(lambda s: s.medium.density, scene, scene.medium.density.at[3, 3].set(jnp.nan))
    with pytest.raises(ValueError, match=r"medium\.density has 1 non-finite"):
        solve(broken)
    with pytest.raises(Exception, match=r"medium\.density has non-finite"):
        eqx.filter_jit(solve)(broken)
    with pytest.raises(ValueError, match="not below the stability limit"):
        dataclasses.replace(solve, steps_per_period=8)(scene)
    with pytest.raises(Exception, match="not below the stability limit"):
        eqx.filter_jit(dataclasses.replace(solve, steps_per_period=8))(scene)
    away = eqx.tree_at(lambda s: s.transducer.position, scene, jnp.asarray([0.0, 0.1]))
    with pytest.raises(ValueError, match="not on the grid"):
        solve(away)
