"""The k-Wave driver against k-Wave's own entry point, and against what its settings promise."""

import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.acoustics.kwave import KWave
from fieldcast.simulators.acoustics.kwave_import import import_kwave
from fieldcast.simulators.acoustics.medium import Medium
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

FREQUENCY = 330e3


def make_bowl(grid, *, phase=0.0, frequency=FREQUENCY, **changes):
    """A small bowl (2-D: arc) near the low end of the last axis, aimed along it."""
    axis = np.zeros(grid.ndim)
    axis[-1] = 1.0
    position = np.zeros(grid.ndim)
    position[-1] = grid.origin[-1] + 2 * grid.spacing
    settings = {
        "radius_of_curvature": 14 * grid.spacing,
        "aperture_diameter": 12 * grid.spacing,
        "frequency": frequency,
        "surface_pressure": 1e5,
        "position": position,
        "axis": axis,
        "phase": phase,
    }
    return FocusedBowl(**{**settings, **changes})


def make_medium(grid, *, power=1.1, seed=0):
    """Water with a shell of bone and a random perturbation everywhere."""
    rng = np.random.default_rng(seed)
    radius = np.linalg.norm(np.asarray(grid.points()), axis=0) / grid.spacing
    shell = (np.abs(radius - 6.0) < 1.5) * (np.asarray(grid.points())[-1] > -2 * grid.spacing)
    wobble = 1.0 + 0.02 * rng.standard_normal(grid.shape)
    return Medium(
        sound_speed=jnp.asarray(np.where(shell, 2800.0, 1500.0) * wobble, dtype=float),
        density=jnp.asarray(np.where(shell, 1850.0, 1000.0) * wobble, dtype=float),
        attenuation=jnp.asarray(np.where(shell, 8.0, 0.1), dtype=float),
        attenuation_power=power,
        grid=grid,
    )


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
    signal = 1e5 * ramp * np.sin(2 * np.pi * scene.frequency * time + float(scene.transducer.phase))
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
    scene = Scene(make_medium(grid, power=power), make_bowl(grid, phase=0.7))
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
    weights = solver.source_weights(scene.transducer, plan.grid)
    with pytest.warns(UserWarning, match="not steady"):
        ours = np.asarray(solver(scene).pressure)
    stock = stock_field(scene, weights, steps_per_period=32, periods=4, ramp_periods=2, pml=6, dispersion=dispersion)
    assert np.linalg.norm(ours - stock) < 1e-12 * np.linalg.norm(stock)
