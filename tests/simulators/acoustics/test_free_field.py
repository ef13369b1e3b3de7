"""The free field against O'Neil's formula, the Rayleigh integral summed by brute force, and finite differences."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from fieldcast.simulators.acoustics.focused_waves import FocusedWaves
from fieldcast.simulators.acoustics.free_field import FreeField, evaluate, free_field_table
from fieldcast.simulators.acoustics.medium import homogeneous
from fieldcast.simulators.acoustics.oneil import bowl_on_axis
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

FREQUENCY, RADIUS, APERTURE = 400e3, 20e-3, 24e-3
WAVENUMBER = 2 * math.pi * FREQUENCY / 1500.0


def make_bowl(position, axis, surface_pressure=1e5, phase=0.0):
    return FocusedBowl(
        radius_of_curvature=RADIUS,
        aperture_diameter=APERTURE,
        frequency=FREQUENCY,
        surface_pressure=surface_pressure,
        position=position,
        axis=axis,
        phase=phase,
    )


def brute_force(transducer, points):
    """The Rayleigh integral (2-D: with the Hankel function), as a sum over many points of the surface."""
    num_sources = 10_000 if transducer.ndim == 2 else 100_000
    sources = np.asarray(transducer.surface_points(num_sources), dtype=float)
    distance = np.linalg.norm(points[:, None] - sources[None], axis=-1)
    measure = transducer.surface_measure / num_sources
    if transducer.ndim == 2:
        waves = 0.5 * WAVENUMBER * special.hankel2(0, WAVENUMBER * distance)
    else:
        waves = 1j * WAVENUMBER / (2 * math.pi) * np.exp(-1j * WAVENUMBER * distance) / distance
    drive = complex(transducer.surface_pressure) * np.exp(1j * float(transducer.phase))
    return drive * measure * waves.sum(axis=1), distance.min(axis=1)


@pytest.mark.parametrize("ndim", [2, 3])
def test_equals_the_integral_over_the_surface(x64, getkey, ndim):
    grid = Grid((41,) * ndim, 1e-3)
    position, axis = ((1.3e-3, -2e-3, -9e-3), (0.2, 0.1, 0.9)) if ndim == 3 else ((1.3e-3, -9e-3), (0.2, 0.9))
    transducer = make_bowl(position, axis, phase=0.4)
    pressure = np.asarray(FreeField()(Scene(homogeneous(grid), transducer)).pressure)
    index = np.asarray(jax.random.randint(getkey(), (60, ndim), 0, 41))
    expected, distance = brute_force(transducer, np.asarray(grid.origin) + grid.spacing * index)
    found = pressure[tuple(index.T)]
    clear = distance > 1e-3  # from a quarter of a wavelength the surface looks smooth
    behind = (index * grid.spacing + np.asarray(grid.origin) - np.asarray(position)) @ np.asarray(axis) < 0
    assert (clear & behind).sum() > 5
    scale = np.abs(expected).max()
    assert np.abs(found - expected)[clear].max() < 5e-4 * scale
    assert np.abs(found - expected).max() < 3e-2 * scale


def test_equals_oneil_on_the_axis(x64):
    grid = Grid((5, 5, 161), 0.25e-3, origin=(-0.5e-3, -0.5e-3, -10e-3))
    transducer = make_bowl((0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    pressure = np.asarray(FreeField()(Scene(homogeneous(grid), transducer)).pressure)[2, 2]
    z = grid.axes()[2]
    expected = 1e5 * bowl_on_axis(z, radius_of_curvature=RADIUS, aperture_diameter=APERTURE, wavenumber=WAVENUMBER)
    away = np.abs(z) > 0.5e-3
    assert np.linalg.norm((pressure - expected)[away]) < 3e-4 * np.linalg.norm(expected)
    assert np.linalg.norm(pressure - expected) < 5e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_series_solves_the_wave_equation(ndim):
    # A field with the right values could still have wrong derivatives: the Laplacian is made from them.
    waves = FocusedWaves(ndim, RADIUS, math.asin(APERTURE / 2 / RADIUS), WAVENUMBER)
    for radius, outside in ((11e-3, False), (31e-3, True)):
        step, angle = 1e-6, np.asarray([0.7, 0.7 + 1e-5, 0.7 - 1e-5])
        value, by_radius, by_angle, by_both = waves.tabulate(radius + step * np.arange(-1, 2), angle, outside=outside)
        second_r = (by_radius[2, 0] - by_radius[0, 0]) / (2 * step)
        second_t = (by_angle[1, 1] - by_angle[1, 2]) / 2e-5
        spread = (ndim - 1) / radius * by_radius[1, 0]
        turn = (second_t + (by_angle[1, 0] / math.tan(0.7) if ndim == 3 else 0.0)) / radius**2
        residual = second_r + spread + turn + WAVENUMBER**2 * value[1, 0]
        assert abs(residual) < 1e-6 * WAVENUMBER**2 * abs(value[1, 0])
        assert by_both[1, 0] == pytest.approx((by_angle[2, 0] - by_angle[0, 0]) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("ndim", [2, 3])
def test_gradients_equal_finite_differences(x64, ndim):
    grid = Grid((16,) * ndim, 1.5e-3)
    table = free_field_table(make_bowl(np.zeros(ndim), np.eye(ndim)[-1]), grid)
    keep = jnp.asarray(np.random.default_rng(0).uniform(size=grid.shape))

    def loss(parameters):
        position, axis, surface_pressure, phase = parameters
        pressure = evaluate(table, make_bowl(position, axis, surface_pressure, phase), grid)
        return jnp.sum(keep * jnp.abs(pressure)) + jnp.sum(pressure.real)

    start = (
        jnp.asarray([0.8e-3, -1.1e-3, -8e-3])[-ndim:],
        jnp.asarray([0.1, 0.3, 0.9])[-ndim:],
        jnp.asarray(1e5),
        jnp.asarray(0.3),
    )
    gradient = jax.grad(loss)(start)
    for leaf, scale in enumerate((1e-8, 1e-6, 1.0, 1e-6)):
        for entry in np.ndindex(start[leaf].shape):

            def along(t, leaf=leaf, entry=entry):
                return loss([x.at[entry].add(t) if i == leaf else x for i, x in enumerate(start)])

            difference = (along(scale) - along(-scale)) / (2 * scale)
            assert gradient[leaf][entry] == pytest.approx(float(difference), rel=1e-5), (leaf, entry)


def test_gradients_are_finite_on_axis_and_at_the_focus():
    grid = Grid((9, 9, 41), 1e-3)  # the focus and the axis fall on grid points

    def at_focus(position):
        table = free_field_table(make_bowl(position, (0.0, 0.0, 1.0)), grid)
        field = evaluate(table, make_bowl(position, (0.0, 0.0, 1.0)), grid)
        return jnp.angle(field[4, 4, 30]) + 0.0 * jnp.sum(jnp.abs(field))

    gradient = jax.grad(at_focus)(jnp.asarray([0.0, 0.0, -10e-3]))
    assert np.all(np.isfinite(gradient))
    # Moving the source towards the point shortens its way: the phase at the focus advances by about k.
    assert float(gradient[2]) == pytest.approx(WAVENUMBER, rel=0.2)


def test_float32_compiled_and_batched_equal_float64():
    grid = Grid((20, 20, 20), 1e-3)
    positions = jnp.asarray([[0.0, 1e-3, -8e-3], [1e-3, 0.0, -9e-3]])

    def solve(position):
        table = free_field_table(make_bowl(position, (0.1, 0.2, 1.0)), grid)
        return evaluate(table, make_bowl(position, (0.1, 0.2, 1.0)), grid)

    batch = np.asarray(jax.jit(jax.vmap(solve))(positions))
    assert batch.dtype == np.complex64
    with jax.enable_x64(True):
        exact = np.stack([np.asarray(solve(jnp.asarray(np.asarray(position), float))) for position in positions])
    assert np.linalg.norm(batch - exact) < 1e-4 * np.linalg.norm(exact)


def test_a_transducer_off_the_table_is_refused():
    grid = Grid((10, 10, 10), 1e-3)
    with pytest.raises(Exception, match="too far off the grid"):
        FreeField()(Scene(homogeneous(grid), make_bowl((0.0, 0.0, -0.2), (0.0, 0.0, 1.0))))
