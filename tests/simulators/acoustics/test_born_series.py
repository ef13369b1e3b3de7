"""The steady-state solver against time stepping, a closed formula, and bad input."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kspace_scenes import FREQUENCY, small_bowl, textured_medium, textured_scene

from fieldcast.simulators.acoustics.born_series import BornSeries
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.helmholtz import FirstOrder
from fieldcast.simulators.acoustics.helmholtz_second_order import SecondOrder
from fieldcast.simulators.acoustics.kspace import KSpace
from fieldcast.simulators.acoustics.kspace_absorption import PowerLaw
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.medium import homogeneous
from fieldcast.simulators.acoustics.oneil import bowl_on_axis
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid


def relative_l2(answer, truth):
    return float(np.linalg.norm(np.asarray(answer) - np.asarray(truth)) / np.linalg.norm(np.asarray(truth)))


def in_single_precision(scene):
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf, scene)


@pytest.fixture(scope="module")
def scene():
    return in_single_precision(textured_scene((26, 28)))


@pytest.fixture(scope="module")
def solution(scene):
    return BornSeries().solution(scene)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("shape", "power", "steps", "compensated"),
    [((22, 25), 2.0, 50, True), ((22, 25), 1.1, 24, False), ((12, 13, 16), 1.1, 24, True)],
    ids=["2-D, Stokes", "2-D, power law, maps as they are", "3-D, power law"],
)
def test_is_the_steady_state_of_the_time_scheme(shape, power, steps, compensated):
    """With the scheme's own time step both solve the same equations: they differ by their tolerances alone."""
    grid = Grid(shape, 1e-3)
    bowl = small_bowl(grid, phase=0.4, radius_of_curvature=10e-3, aperture_diameter=8e-3)
    scene = Scene(textured_medium(grid, power), bowl)
    layer = PerfectlyMatchedLayer(6, 1.0)
    stepped = KSpace(
        steps_per_period=steps,
        tolerance=1e-9,
        most_periods=400,
        ramp_periods=6,
        compensate_time_step=compensated,
        layer=layer,
    )(scene)
    equation = FirstOrder(steps, compensate_time_step=compensated)
    solved = BornSeries(tolerance=1e-8, restart=40, layer=layer, equation=equation).solution(scene)
    assert bool(solved.converged)
    assert relative_l2(solved.field.pressure, stepped.pressure) < 2e-7


def test_bowl_in_water():
    wavelength = 1500.0 / 500e3
    spacing = wavelength / 5.0
    grid = Grid((48, 40, 40), spacing, (0.0, -20 * spacing, -20 * spacing))
    bowl = FocusedBowl(
        radius_of_curvature=6 * wavelength,
        aperture_diameter=6 * wavelength,
        frequency=500e3,
        surface_pressure=1e5,
        position=(2 * spacing, 0.0, 0.0),
        axis=(1.0, 0.0, 0.0),
    )
    field = BornSeries()(in_single_precision(Scene(homogeneous(grid), bowl)))
    axial = np.asarray(field.pressure)[:, 20, 20]
    distance = np.arange(48) * spacing - 2 * spacing
    exact = 1e5 * bowl_on_axis(
        distance,
        radius_of_curvature=6 * wavelength,
        aperture_diameter=6 * wavelength,
        wavenumber=2.0 * np.pi / wavelength,
    )
    beyond_the_rim = slice(12, None)
    assert relative_l2(axial[beyond_the_rim], exact[beyond_the_rim]) < 0.015


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("power", [2.0, 1.1])
def test_constant_density_needs_no_first_order_equations(power):
    """The same equation in the interior; two thick boundary layers send back nearly nothing."""
    grid = Grid((44, 40), 0.6e-3)
    bowl = small_bowl(grid, radius_of_curvature=12e-3, aperture_diameter=10e-3)
    medium = eqx.tree_at(lambda m: m.density, textured_medium(grid, power), jnp.full(grid.shape, 1100.0))
    scene = Scene(medium, bowl)
    first, second = (
        BornSeries(tolerance=1e-5, layer=PerfectlyMatchedLayer(30, 1.0), equation=equation)
        for equation in (FirstOrder(), SecondOrder())
    )
    truth = first(scene).pressure
    assert relative_l2(second(scene).pressure, truth) < 1e-4
    lossless = eqx.tree_at(lambda s: s.medium.attenuation, scene, jnp.zeros(grid.shape))
    assert relative_l2(second(lossless).pressure, truth) > 1e-2  # losses matter here


def test_second_order_refuses_a_density_contrast(scene):
    with pytest.raises(eqx.EquinoxRuntimeError, match="this one has a contrast; use FirstOrder"):
        BornSeries(equation=SecondOrder()).solution(scene)


def test_residual_measures_the_error(scene, solution):
    solver, field = BornSeries(), solution.field
    assert float(solution.residual) <= 1e-3
    assert float(solver.residual(field, scene)) < 2e-3
    for error in (0.01, 0.1, 0.5):
        moved = field.pressure * np.complex64(1.0 + error * np.exp(1j))
        other = PressureField(moved, field.grid, field.frequency)
        assert float(solver.residual(other, scene)) == pytest.approx(error, rel=0.2)
    stepped = KSpace()(scene)
    difference = relative_l2(stepped.pressure, field.pressure)
    assert 0.2 * difference < float(solver.residual(stepped, scene)) < 5.0 * difference


def test_warm_start_saves_iterations(scene, solution):
    solver = BornSeries()
    again = solver.solution(scene, solution.field)
    assert bool(again.converged)
    assert int(again.iterations) <= 0.6 * int(solution.iterations)
    assert relative_l2(again.field.pressure, solution.field.pressure) < 5e-3
    # An unknown amplitude and phase costs little.
    turned = PressureField(3.0j * solution.field.pressure, scene.grid, scene.frequency)
    assert int(solver.solution(scene, turned).iterations) < int(solution.iterations)


def test_runs_under_jit_and_vmap(scene, solution):
    solver = BornSeries()

    def focus_amplitude(phase):
        bowl = eqx.tree_at(lambda bowl: bowl.phase, scene.transducer, phase)
        return solver(Scene(scene.medium, bowl)).pressure

    phases = jnp.asarray([0.0, 1.0], jnp.float32)
    first, second = jax.jit(jax.vmap(focus_amplitude))(phases)
    np.testing.assert_allclose(second, first * np.exp(1j), atol=5e-3 * float(jnp.max(jnp.abs(first))))
    assert relative_l2(first, solution.field.pressure) < 5e-3


def test_says_that_it_does_not_converge(scene):
    solver = BornSeries(most_iterations=5)
    solution = solver.solution(scene)
    assert not bool(solution.converged)
    with pytest.raises(RuntimeError, match=r"did not converge within most_iterations.*5 iterations, relative residual"):
        solver(scene)
    with pytest.raises(eqx.EquinoxRuntimeError, match="did not converge"):
        eqx.filter_jit(solver)(scene).pressure.block_until_ready()


def test_says_that_its_numbers_are_not_precise_enough(scene):
    with pytest.raises(RuntimeError, match="stagnated above its tolerance"):
        BornSeries(tolerance=1e-9)(scene)


def test_refuses_what_it_cannot_use(scene, solution):
    solver, field = BornSeries(), solution.field
    amplitude = PressureField(field.amplitude, field.grid, field.frequency)
    with pytest.raises(ValueError, match="amplitude only"):
        solver.solution(scene, amplitude)
    elsewhere = PressureField(field.pressure, Grid(scene.grid.shape, 2e-3), field.frequency)
    with pytest.raises(ValueError, match="resample the field"):
        solver.residual(elsewhere, scene)
    with pytest.raises(ValueError, match="has no dispersion"):
        BornSeries(absorption=PowerLaw(dispersion=True))(scene)
    broken = eqx.tree_at(lambda s: s.medium.density, scene, scene.medium.density.at[3, 4].set(jnp.nan))
    with pytest.raises(ValueError, match="non-finite values, the first at index"):
        solver(broken)
    silent = eqx.tree_at(lambda s: s.transducer.surface_pressure, scene, jnp.zeros((), jnp.float32))
    with pytest.raises(ValueError, match="source is empty"):
        solver(silent)
    for settings in ({"tolerance": 0.0}, {"restart": 0}, {"damping": float("nan")}, {"references": 0}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            BornSeries(**settings)
    with pytest.raises(ValueError, match="steps_per_period"):
        FirstOrder(2)
    assert scene.frequency == FREQUENCY
