"""Shallow water: steady and travelling solutions, waves, invariants, orders, gradients."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np
import pytest
from compiled import UNOPTIMISED, compiled

from fieldcast.simulators.flows import shallow_water_starts as starts
from fieldcast.simulators.flows.shallow_water import ShallowWater
from fieldcast.simulators.flows.sphere_grid import SphereGrid
from fieldcast.simulators.flows.spherical_harmonics import SphericalTransform
from fieldcast.simulators.rollout import rollout

T10 = SphericalTransform(10, SphereGrid(16, 32))
T21 = SphericalTransform(21, SphereGrid(32, 64))
DAY = 86400.0
STILL = (0.0, 0.0, 0.0)


def sphere(transform=T10, orography=0.0, **parameters):
    """A solver; whatever its parameters, its arrays have the same shapes, so that the tests share one program."""
    return ShallowWater(transform, dt=600.0, orography=np.broadcast_to(orography, transform.grid.shape), **parameters)


def run(solver, state, dt, num_steps):
    """Many steps; their number and length are traced."""
    arrays, static = eqx.partition(solver, eqx.is_array)
    return _program(static, arrays, state, jnp.asarray(dt, state.dtype), num_steps)


@partial(jax.jit, static_argnums=0, compiler_options=UNOPTIMISED)
def _program(static, arrays, state, dt, num_steps):
    solver = eqx.combine(arrays, static)
    return jax.lax.fori_loop(0, num_steps, lambda _, state: solver.advance(state, dt), state)


def advanced(solver, state, time, num_steps):
    return run(solver, state, time / num_steps, num_steps)


def smooth_flow(solver, key, largest=4):
    """A balanced flow of 20 m/s and of large scales."""
    return compiled(lambda key: _smooth_flow(solver, key, largest))(key)


def _smooth_flow(solver, key, largest):
    spectrum = jrandom.normal(key, solver.transform.spectral_shape) * np.triu(np.ones(solver.transform.spectral_shape))
    degree = np.arange(solver.transform.truncation + 1)
    spectrum = (spectrum * jnp.broadcast_to(1.0 * ((degree > 0) & (degree <= largest)), spectrum.shape)).at[1, 0].set(0)
    spectrum = spectrum / jnp.sqrt(jnp.mean(solver.velocity(jnp.stack([spectrum] * 3).at[1].set(0)) ** 2))
    return starts.balanced(solver, 20.0 * spectrum)


def hill(transform):
    x, _, z = transform.grid.normals()
    return 800.0 * (x * z) ** 2


@pytest.mark.parametrize("tilt", [0.0, 0.05, np.pi / 2.0])
def test_steady_zonal_flow_stays(x64, tilt):
    rotation = 7.292e-5 * np.asarray([-np.sin(tilt), 0.0, np.cos(tilt)])
    solver = sphere(rotation=rotation)
    start = solver.decode(starts.steady_zonal_flow(solver))
    assert 38.0 < jnp.max(jnp.hypot(start[1], start[2])) < 38.62
    after = solver.decode(advanced(solver, solver.encode(start), 5 * DAY, 120))
    np.testing.assert_allclose(after[0], start[0], rtol=1e-11)
    np.testing.assert_allclose(after[1:], start[1:], atol=1e-10)


def test_rossby_haurwitz_wave_travels(x64):
    """Without divergence, solid-body rotation and harmonics of one degree travel without change of shape."""
    solver = sphere()
    degree, order, drift, amplitude = 5, 4, 7.848e-6, 2e-5
    vorticity = (
        jnp.zeros(T10.spectral_shape).at[0, 0, 1].set(2.0 * drift / np.sqrt(3.0)).at[0, order, degree].set(amplitude)
    )
    tendency = solver.tendency(starts.balanced(solver, vorticity))[0]
    speed = drift - 2.0 * (drift + 7.292e-5) / (degree * (degree + 1))
    expected = jnp.zeros_like(vorticity).at[1, order, degree].set(order * speed * amplitude)
    np.testing.assert_allclose(tendency, expected, atol=1e-14 * amplitude)


def test_gravity_wave_swings(x64):
    solver = sphere(rotation=STILL)
    depth, amplitude, degree, order = 5000.0, 1e-4, 6, 3
    state = starts.at_rest(solver, depth).at[2, 0, order, degree].set(amplitude)
    frequency = np.sqrt(9.81 * depth * degree * (degree + 1)) / 6.371e6
    after = advanced(solver, state, 10.0 / frequency, 400)
    np.testing.assert_allclose(after[2, 0, order, degree], amplitude * np.cos(10.0), rtol=1e-6)
    np.testing.assert_allclose(after[1, 0, order, degree], amplitude * frequency / depth * np.sin(10.0), rtol=1e-6)
    turn = 1.5j  # of a long step: the Taylor series of exp to the fourth power
    polynomial = 1.0 + turn + turn**2 / 2.0 + turn**3 / 6.0 + turn**4 / 24.0
    after = advanced(solver, state, 1.5 / frequency, 1)
    np.testing.assert_allclose(after[2, 0, order, degree], amplitude * polynomial.real, rtol=1e-6)


def test_hyperdiffusion_is_exact(x64):
    solver = sphere(rotation=STILL, gravity=0.0, hyperdiffusion=1e-3)
    state = jnp.zeros((3, *T10.spectral_shape)).at[:, 0, 2, 7:].set(1e-20)
    after = advanced(solver, state, 5000.0, 1)
    damping = np.exp(-5.0 * (np.arange(7, 11) * np.arange(8, 12) / 110.0) ** 4)
    np.testing.assert_allclose(after[:2, 0, 2, 7:], 1e-20 * np.stack([damping, damping]), rtol=1e-9)
    np.testing.assert_allclose(after[2], state[2], atol=1e-34)


def test_level_surface_over_mountains_stays_at_rest(x64):
    solver = sphere(orography=hill(T10))
    state = starts.at_rest(solver, 5000.0)
    np.testing.assert_array_equal(advanced(solver, state, 1200.0, 2), state)


def invariants(solver, state):
    height, east, north = solver.decode(state)
    depth = height - solver.orography
    energy = 0.5 * depth * (east**2 + north**2) + 0.5 * solver.gravity * (height**2 - solver.orography**2)
    potential_enstrophy = 0.5 * (solver.transform.synthesis(state[0]) + solver.coriolis()) ** 2 / depth
    rest = (
        0.5
        * solver.gravity
        * (state[2, 0, 0, 0] ** 2 - solver.grid.mean(jnp.broadcast_to(solver.orography**2, height.shape)))
    )
    return solver.grid.mean(energy) - rest, solver.grid.mean(potential_enstrophy)


def test_invariants(x64, getkey):
    drifts = []
    for transform, num_steps in ((T10, 96), (T21, 192)):
        solver = sphere(transform, hill(transform))
        state = smooth_flow(solver, jrandom.key(1))
        after = advanced(solver, state, DAY, num_steps)
        np.testing.assert_array_equal(after[2, 0, 0, 0], state[2, 0, 0, 0])
        np.testing.assert_array_equal(after[0, 0, 0, 0], 0.0)
        drifts.append(
            [abs(b / a - 1.0) for a, b in zip(invariants(solver, state), invariants(solver, after), strict=True)]
        )
    (coarse_energy, coarse_enstrophy), (energy, enstrophy) = drifts
    assert energy < 1e-5
    assert enstrophy < 1e-5
    assert energy < 0.1 * coarse_energy
    assert enstrophy < 0.1 * coarse_enstrophy


def test_fourth_order_in_time(x64, getkey):
    solver = sphere(hyperdiffusion=1e-5, orography=hill(T10))
    state = smooth_flow(solver, getkey()).at[1, 0, 2, 3].set(1e-6)
    exact = advanced(solver, state, 0.5 * DAY, 640)
    errors = [jnp.linalg.norm((advanced(solver, state, 0.5 * DAY, n) - exact)[0]) for n in (20, 40, 80)]
    slopes = -np.diff(np.log2(errors))
    print(slopes)
    np.testing.assert_allclose(slopes, 4.0, atol=0.25)


def test_largest_step_is_the_stability_limit(x64):
    solver = sphere(rotation=STILL)
    state = starts.at_rest(solver).at[2, 0, 3, 10].set(1e-6)
    limit, slope = compiled(jax.value_and_grad(solver.largest_step))(state)
    grown = [jnp.abs(run(solver, state, factor * limit, 60)[2, 0, 3, 10]) for factor in (1.0, 1.05)]
    assert jnp.all(jnp.isfinite(slope))
    assert grown[0] <= 1e-6
    assert grown[1] > 1e-3


def test_gradient_of_a_rollout(x64, getkey):
    solver = sphere(hyperdiffusion=1e-4, orography=hill(T10))
    state = smooth_flow(solver, getkey(), largest=10)
    weights = jrandom.normal(getkey(), (3, *T10.grid.shape))

    @partial(jax.jit, compiler_options=UNOPTIMISED)
    @jax.value_and_grad
    def value_and_gradient(arguments):
        solver, state = arguments
        return jnp.sum(weights * solver.decode(rollout(solver, 3, record=lambda _: None)(state)[0]))

    arguments = (solver, state)
    _, gradient = value_and_gradient(arguments)
    for pick in (
        lambda a: a[0].radius,
        lambda a: a[0].rotation,
        lambda a: a[0].gravity,
        lambda a: a[0].hyperdiffusion,
        lambda a: a[0].orography,
        lambda a: a[1],
    ):
        direction = pick(arguments) * jrandom.uniform(getkey(), pick(arguments).shape)
        step = 1e-4
        moved = [eqx.tree_at(pick, arguments, pick(arguments) + sign * step * direction) for sign in (1, -1)]
        (ahead, _), (behind, _) = map(value_and_gradient, moved)
        slope = jnp.sum(pick(gradient) * direction)
        assert jnp.abs(slope) > 1e-3
        np.testing.assert_allclose(slope, (ahead - behind) / (2.0 * step), rtol=1e-5)


def test_restart_goes_on_to_the_bit(x64, getkey):
    solver = sphere(hyperdiffusion=1e-5)
    state = smooth_flow(solver, getkey())
    there = run(solver, run(solver, state, 600.0, 3), 600.0, 4)
    np.testing.assert_array_equal(there, run(solver, state, 600.0, 7))


def test_fields_and_states(x64, getkey):
    solver = sphere()
    state = smooth_flow(solver, getkey()).at[1, 1, 2, 5].set(1e-6)
    again = solver.encode(solver.decode(state))
    np.testing.assert_allclose(again[:2], state[:2], atol=1e-18)
    np.testing.assert_allclose(again[2], state[2], atol=1e-10)
    with pytest.raises(ValueError, match=r"\(16, 32\)"):
        ShallowWater(T10, dt=600.0, orography=np.zeros((32, 16)))


def test_single_precision_follows_double(getkey):
    solver = sphere(hyperdiffusion=1e-5, orography=hill(T10))
    single = smooth_flow(solver, getkey())
    after = solver.decode(advanced(solver, single, DAY, 48))
    assert after.dtype == jnp.float32
    with jax.enable_x64(True):
        expected = solver.decode(advanced(solver, single.astype(float), DAY, 48))
    np.testing.assert_allclose(after[0], expected[0], rtol=3e-6)
    np.testing.assert_allclose(after[1:], expected[1:], atol=3e-3)


def test_sweep_over_parameters(x64, getkey):
    state = smooth_flow(sphere(), getkey())

    def tendency(gravity):
        return sphere(gravity=gravity).tendency(state)

    gravities = jnp.asarray([5.0, 10.0])
    swept = compiled(jax.vmap(tendency))(gravities)
    expected = jnp.stack(list(map(compiled(tendency), gravities)))
    np.testing.assert_allclose(swept, expected, atol=1e-12 * jnp.max(jnp.abs(expected)))
    assert jnp.linalg.norm(expected[0] - expected[1]) > 0


def test_balanced_start_is_geostrophic_for_zonal_flow(x64):
    solver = sphere()
    expected = starts.steady_zonal_flow(solver)
    state = starts.balanced(solver, expected[0], expected[2, 0, 0, 0].item())
    np.testing.assert_allclose(state[2], expected[2], atol=1e-9)


def test_barotropic_jet(x64):
    solver = sphere(SphericalTransform(42, SphereGrid(64, 128)))

    def jet():
        zonal, disturbed = starts.barotropic_jet(solver, perturbation=0.0), starts.barotropic_jet(solver)
        return solver.decode(zonal), solver.tendency(zonal), solver.decode(disturbed - zonal)[0]

    (_, east, north), tendency, hill = compiled(jet)()
    assert 76.0 < jnp.max(east) < 80.5  # the peak lies between grid points
    np.testing.assert_allclose(north, 0.0, atol=1e-12)
    latitude, _ = solver.grid.axes()
    np.testing.assert_allclose(latitude[jnp.argmax(east[:, 0])], np.pi / 4.0, atol=0.03)
    np.testing.assert_allclose(tendency[:2], 0.0, atol=1e-19)  # unbalanced: 1e-9
    assert 70.0 < jnp.max(hill) < 85.0  # 120 m times the cosine of 45 degrees, between grid points
    assert jnp.argmax(hill[jnp.argmax(hill[:, 0])]) == 0


def test_random_vortices(getkey):
    solver = sphere(T21)
    start = compiled(lambda key: (state := starts.random_vortices(solver, key=key), solver.velocity(state)))
    (first, velocity), (second, _) = start(getkey()), start(getkey())
    np.testing.assert_array_equal(first[1], 0.0)
    np.testing.assert_array_equal(first[2], starts.at_rest(solver)[2])
    assert first[0, 0, 0, 0] == 0
    assert np.max(np.abs(first[0] - second[0])) > 1e-6
    assert 1.0 < np.std(velocity) < 20.0
    with pytest.raises(ValueError, match="degree 14"):
        starts.random_vortices(sphere(), key=getkey())
