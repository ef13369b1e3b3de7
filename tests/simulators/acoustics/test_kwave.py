"""The k-Wave driver against k-Wave's own entry point, and against what its settings promise."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.fft
from kspace_scenes import small_bowl, textured_medium

from fieldcast.simulators.acoustics import kwave_run
from fieldcast.simulators.acoustics.checks import points_per_wavelength
from fieldcast.simulators.acoustics.free_field import FreeField
from fieldcast.simulators.acoustics.kwave import KWave
from fieldcast.simulators.acoustics.kwave_import import import_kwave
from fieldcast.simulators.acoustics.medium import Medium, Tissue, homogeneous
from fieldcast.simulators.acoustics.oneil import bowl_on_axis
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.grid import Grid


def stock_field(scene, weights, *, steps_per_period, periods, ramp_periods, pml, dispersion):
    """The same run through k-Wave's unchanged entry point: recorded series of the last period, then a Fourier sum.

    Everything is laid out by hand on the padded grid, with the boundary layer inside.
    """
    import_kwave()
    from kwave.kgrid import kWaveGrid
    from kwave.kmedium import kWaveMedium
    from kwave.ksensor import kSensor
    from kwave.ksource import kSource
    from kwave.kspaceFirstOrder import kspaceFirstOrder

    medium, grid = scene.medium, scene.grid
    maps = [np.pad(np.asarray(m), pml, mode="edge") for m in (medium.sound_speed, medium.density, medium.attenuation)]
    steps, dt = steps_per_period * periods, 1.0 / (scene.frequency * steps_per_period)
    time = np.arange(steps) * dt
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.minimum(time * scene.frequency / ramp_periods, 1.0))
    signal = ramp * np.sin(2 * np.pi * scene.frequency * time + float(scene.transducer.phase))
    kgrid = kWaveGrid(list(maps[0].shape), [grid.spacing] * grid.ndim)
    kgrid.setTime(steps, dt)
    source = kSource()
    source.p_mask = weights != 0
    source.p = weights[source.p_mask][:, None] * signal[None]
    sensor = kSensor(mask=np.ones(maps[0].shape, bool), record=["p"])
    sensor.record_start_index = steps - steps_per_period + 1
    kmedium = kWaveMedium(
        sound_speed=maps[0], density=maps[1], alpha_coeff=maps[2], alpha_power=medium.attenuation_power
    )
    kmedium.alpha_mode = None if dispersion else "no_dispersion"
    series = kspaceFirstOrder(
        kgrid, kmedium, source, sensor, pml_size=pml, pml_inside=True, smooth_p0=False, quiet=True, dtype=np.float64
    )["p"]
    kernel = np.exp(-2j * np.pi * scene.frequency * (time[-steps_per_period:] + dt / 2))
    inside = (slice(pml, -pml),) * grid.ndim
    return (2j / steps_per_period * series @ kernel).reshape(maps[0].shape)[inside]


@pytest.mark.parametrize(
    ("shape", "dispersion", "power"), [((20, 18, 23), False, 1.1), ((20, 18, 23), True, 1.5), ((31, 36), False, 2.0)]
)
def test_equals_the_stock_entry_point(x64, shape, dispersion, power):
    grid = Grid(shape, 1e-3)
    scene = Scene(textured_medium(grid, power), small_bowl(grid, phase=0.7))
    settings = {"steps_per_period": 32, "ramp_periods": 2, "pml_size": 6, "dispersion": dispersion}
    solver = KWave(
        **settings,
        settle_periods=2,
        most_periods=4,
        tolerance=0.0,
        precision=np.float64,
        compensate_time_step=False,
        progress=False,
    )
    plan = solver._plan(scene)
    weights, _ = solver.source(scene.transducer, plan.grid)
    with pytest.warns(UserWarning, match="not steady"):
        ours = np.asarray(solver(scene).pressure)
    stock = stock_field(scene, weights[0], steps_per_period=32, periods=4, ramp_periods=2, pml=6, dispersion=dispersion)
    assert np.linalg.norm(ours - stock) < 1e-12 * np.linalg.norm(stock)


@pytest.fixture(scope="module")
def bowl_in_water():
    """A bowl at four points per wavelength, on an odd grid so that the axis runs through points."""
    grid = Grid((31, 31, 48), 1e-3)
    bowl = small_bowl(
        grid,
        frequency=375e3,
        radius_of_curvature=24e-3,
        aperture_diameter=22e-3,
        position=(0.0, 0.0, grid.origin[2] + 4e-3),
        axis=(0.0, 0.0, 1.0),
        phase=0.5,
    )
    scene = Scene(homogeneous(grid), bowl)
    return scene, KWave(progress=False)(scene)


def test_bowl_in_water_equals_oneil_on_the_axis(bowl_in_water):
    scene, field = bowl_in_water
    assert points_per_wavelength(scene.medium, 375e3) == pytest.approx(4.0)
    z = scene.grid.axes()[2] - float(scene.transducer.position[2])
    expected = (
        1e5
        * np.exp(0.5j)
        * bowl_on_axis(z, radius_of_curvature=24e-3, aperture_diameter=22e-3, wavenumber=2 * np.pi * 375e3 / 1500)
    )
    found = np.asarray(field.pressure)[15, 15]
    beyond = z > 3.5e-3  # the rim lies at 2.7 mm
    error = np.linalg.norm((found - expected)[beyond]) / np.linalg.norm(expected[beyond])
    assert error < 2e-3, "amplitude and phase"
    assert np.abs(np.angle(found / expected))[z > 15e-3].max() < 2e-3
    assert field.focus.pressure == pytest.approx(np.abs(expected).max(), rel=2e-3)


def test_bowl_in_water_equals_the_free_field(bowl_in_water):
    scene, field = bowl_in_water
    expected = np.asarray(FreeField()(scene).pressure)
    found = np.asarray(field.pressure)
    points = np.asarray(scene.grid.points()) - np.asarray(scene.transducer.geometric_focus)[:, None, None, None]
    clear = np.abs(np.linalg.norm(points, axis=0) - 24e-3) > 3e-3  # off the sphere the bowl lies on
    assert np.linalg.norm((found - expected)[clear]) < 1e-2 * np.linalg.norm(expected[clear])
    assert np.linalg.norm(found - expected) < 5e-2 * np.linalg.norm(expected)


def test_arc_in_water_equals_the_free_field():
    grid = Grid((60, 72), 1e-3)
    arc = small_bowl(
        grid,
        frequency=375e3,
        radius_of_curvature=40e-3,
        aperture_diameter=36e-3,
        position=(2.3e-3, grid.origin[1] + 9e-3),
        axis=(-0.1, 1.0),
    )
    scene = Scene(homogeneous(grid), arc)
    found, expected = np.asarray(KWave(progress=False)(scene).pressure), np.asarray(FreeField()(scene).pressure)
    points = np.asarray(grid.points()) - np.asarray(arc.geometric_focus)[:, None, None]
    clear = np.abs(np.linalg.norm(points, axis=0) - 40e-3) > 3e-3
    assert np.linalg.norm((found - expected)[clear]) < 1e-2 * np.linalg.norm(expected[clear])


def plane_scene(fast):
    """A 2-D scene whose lower half is water; the upper half of another sound speed when `fast` is given."""
    grid = Grid((72, 60), 1e-3)
    medium = homogeneous(grid, Tissue(1500.0, 1000.0))
    if fast is not None:
        layer = jnp.zeros(grid.shape, bool).at[:, 40:46].set(True)
        medium = Medium(
            jnp.where(layer, fast, medium.sound_speed),
            jnp.where(layer, 1850.0, medium.density),
            jnp.where(layer, 5.0, 0.0),
            1.2,
            grid,
        )
    arc = small_bowl(
        grid,
        frequency=375e3,
        radius_of_curvature=45e-3,
        aperture_diameter=40e-3,
        position=(0.0, grid.origin[1] + 4e-3),
        axis=(0.0, 1.0),
    )
    return Scene(medium, arc)


def test_compensation_removes_the_error_of_a_coarse_time_step():
    scene = plane_scene(2900.0)
    run = {"progress": False, "settle_periods": 30}
    fine = np.asarray(KWave(**run, steps_per_period=72)(scene).pressure)

    def error(**settings):
        return np.linalg.norm(np.asarray(KWave(**run, **settings)(scene).pressure) - fine) / np.linalg.norm(fine)

    plain, compensated = error(steps_per_period=18, compensate_time_step=False), error(steps_per_period=18)
    assert compensated < 0.02
    assert plain > 8 * compensated
    # Without it the scheme tends to the same field, at second order.
    assert error(steps_per_period=72, compensate_time_step=False) < plain / 10


def test_single_precision_is_enough():
    scene = plane_scene(2900.0)
    fields = [np.asarray(KWave(progress=False, precision=p)(scene).pressure) for p in (np.float32, np.float64)]
    assert np.linalg.norm(fields[0] - fields[1]) < 2e-5 * np.linalg.norm(fields[1])


def test_linear_in_pressure_and_turned_by_phase():
    scene = plane_scene(2900.0)
    solve = KWave(progress=False, precision=np.float64, steps_per_period=20)
    first = np.asarray(solve(scene).pressure)
    louder = eqx.tree_at(
        lambda s: (s.transducer.surface_pressure, s.transducer.phase), scene, (jnp.asarray(3e5), jnp.asarray(1.1))
    )
    assert np.linalg.norm(np.asarray(solve(louder).pressure) - 3 * np.exp(1.1j) * first) < 1e-2 * 3 * np.linalg.norm(
        first
    )


def test_the_thickness_of_the_layer_does_not_matter():
    scene = plane_scene(2900.0)
    settings = {"progress": False, "steps_per_period": 24, "tolerance": 1e-3}
    thick = np.asarray(KWave(**settings, pml_size=24)(scene).pressure)
    for size, bound in ((8, 8e-3), (14, 4e-3)):
        thin = np.asarray(KWave(**settings, pml_size=size)(scene).pressure)
        assert np.linalg.norm(thin - thick) < bound * np.linalg.norm(thick), size


def test_the_default_run_has_settled():
    scene = plane_scene(2900.0)
    found = np.asarray(KWave(progress=False)(scene).pressure)
    settled = np.asarray(KWave(progress=False, settle_periods=90)(scene).pressure)
    assert np.linalg.norm(found - settled) < 2e-2 * np.linalg.norm(settled)


def test_an_unsteady_field_is_reported_with_its_number():
    with pytest.warns(UserWarning, match=r"not steady: the last two of 6 periods differ by \d+\.\d+%"):
        KWave(progress=False, settle_periods=4, most_periods=6)(plane_scene(2900.0))


def test_estimate_agrees_with_the_run():
    scene = plane_scene(None)
    solver = KWave(pml_size=10, steps_per_period=16, settle_periods=30)
    estimate = solver.estimate(scene)
    assert (estimate.steps, estimate.shape) == (16 * 32, (92, 80))
    assert estimate.bytes > 10 * 4 * 92 * 80
    assert str(estimate).startswith("512 steps on 92 x 80 points, about ")


def test_default_grid_suits_the_fft():
    for n in (47, 48, 53, 61):
        shape = KWave().estimate(Scene(homogeneous(grid := Grid((n, 60), 1e-3)), small_bowl(grid))).shape
        assert all(scipy.fft.next_fast_len(m, real=True) == m for m in shape)
        assert shape[0] >= n + 16


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": np.float16}, "precision"),
        ({"steps_per_period": 2}, "steps_per_period"),
        ({"settle_periods": -1}, "settle_periods"),
        ({"pml_size": 0}, "pml_size"),
        ({"tolerance": -1.0}, "tolerance"),
    ],
)
def test_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        KWave(**settings)


def test_too_long_a_time_step_is_refused():
    with pytest.raises(ValueError, match=r"stability limit.*more steps per period"):
        KWave(steps_per_period=8)(plane_scene(2900.0))


def test_a_time_step_too_long_for_the_fastest_wave_is_refused():
    # Without absorption k-Wave sets no limit, but waves that the grid holds would pass each other by half a period.
    scene = plane_scene(None)
    medium = scene.medium
    fast = Medium(medium.sound_speed.at[:, 50:].set(9000.0), medium.density, medium.attenuation, 1.0, medium.grid)
    scene = Scene(fast, scene.transducer)
    with pytest.raises(ValueError, match=r"not below the stability limit of 7\.857e-08 s"):
        KWave(steps_per_period=12).estimate(scene)
    assert KWave(settle_periods=10).estimate(scene).steps == 36 * 12


def test_a_run_that_blows_up_is_refused(monkeypatch):
    monkeypatch.setattr(kwave_run, "stability_limit", lambda maps: np.inf)
    scene = plane_scene(2900.0)
    lossy = eqx.tree_at(lambda s: s.medium.attenuation, scene, 6.0 * scene.medium.attenuation)
    with pytest.raises(FloatingPointError, match="blew up"):
        KWave(progress=False, steps_per_period=7)(lossy)


def test_dispersion_at_power_one_is_refused():
    scene = plane_scene(2900.0)
    medium = scene.medium
    linear = Medium(medium.sound_speed, medium.density, medium.attenuation, 1.0, medium.grid)
    with pytest.raises(ValueError, match="no power law at y = 1"):
        KWave(dispersion=True)(Scene(linear, scene.transducer))


def test_tracing_is_refused():
    scene = plane_scene(None)
    with pytest.raises(TypeError, match="cannot be traced"):
        jax.jit(lambda p: KWave(progress=False)(eqx.tree_at(lambda s: s.transducer.phase, scene, p)).pressure)(0.1)
