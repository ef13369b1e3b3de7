"""Buoyant smoke: exact discrete laws, decay of a Stokes mode, orders in space and time, gradients."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import compiled

from fieldcast.simulators.flows import staggered
from fieldcast.simulators.flows.closed_box import ClosedBox
from fieldcast.simulators.flows.scalar_transport import outflow_rate, transport
from fieldcast.simulators.flows.smoke import BuoyantSmoke, SmokeState
from fieldcast.simulators.flows.smoke_starts import random_smoke
from fieldcast.simulators.flows.staggered import FaceVelocity
from fieldcast.simulators.rollout import rollout

BOX = ClosedBox((7, 6), (2.0, 1.5))


def random_velocity(box, dtype=float):
    """A velocity without divergence on the faces: differences of a stream function on the inner corners."""
    (nx, ny), (dx, dy) = box.num_points, box.spacing
    psi = np.pad(np.random.default_rng(0).standard_normal((nx - 1, ny - 1)), 1)
    return FaceVelocity(
        jnp.asarray(np.diff(psi, axis=1)[1:-1] / dy, dtype), jnp.asarray(-np.diff(psi, axis=0)[:, 1:-1] / dx, dtype)
    )


def random_state(box, dtype=float):
    smoke = np.random.default_rng(1).uniform(0.0, 1.0, box.num_points)
    return SmokeState(random_velocity(box, dtype), jnp.asarray(smoke, dtype))


def cavity_start(box):
    """Smooth fields that any resolution samples: one vortex, one cloud."""
    x, y = (jnp.asarray(axis / length) for axis, length in zip(box.axes(), box.lengths, strict=True))
    face_x, face_y = (jnp.arange(1, n) / n for n in box.num_points)

    def bump(x):
        return jnp.sin(jnp.pi * x) ** 2

    def slope(x):
        return jnp.pi * jnp.sin(2 * jnp.pi * x)

    velocity = FaceVelocity(bump(face_x)[:, None] * slope(y)[None], -slope(x)[:, None] * bump(face_y)[None])
    smoke = jnp.exp(-8.0 * ((x[:, None] - 0.4) ** 2 + (y[None] - 0.3) ** 2))
    return SmokeState(staggered.projection(velocity, box), smoke)


def energy(velocity):
    return 0.5 * (jnp.sum(velocity.x**2) + jnp.sum(velocity.y**2))


def assert_close(state, other, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), state, other)


def test_projection_removes_divergence_and_only_gradients(x64):
    rng = np.random.default_rng(2)
    any_velocity = FaceVelocity(jnp.asarray(rng.standard_normal((6, 6))), jnp.asarray(rng.standard_normal((7, 5))))
    projected = staggered.projection(any_velocity, BOX)
    assert jnp.max(jnp.abs(staggered.divergence(projected, BOX))) < 1e-13
    removed = jax.tree.map(jnp.subtract, any_velocity, projected)
    solenoidal = random_velocity(BOX)
    assert abs(jnp.sum(removed.x * solenoidal.x) + jnp.sum(removed.y * solenoidal.y)) < 1e-12
    assert_close(staggered.projection(solenoidal, BOX), solenoidal, atol=1e-13)


def test_advection_conserves_energy_and_buoyancy_of_uniform_smoke_does_nothing(x64):
    velocity = random_velocity(BOX)
    advection = staggered.advection(velocity, BOX)
    power = jnp.sum(advection.x * velocity.x) + jnp.sum(advection.y * velocity.y)
    assert abs(power) < 1e-12 * energy(velocity) ** 1.5
    assert jnp.max(jnp.abs(advection.x)) > 1.0


def test_layers_of_smoke_stay_at_rest(x64):
    fields = jnp.zeros((3, *BOX.num_points)).at[0].set(jnp.asarray([0.1, 0.9, 0.3, 0.3, 0.8, 0.0])[None])
    solver = BuoyantSmoke(BOX, 0.01, 0.5, 0.1)
    last = solver(solver.encode(fields))
    np.testing.assert_allclose(solver.decode(last), fields, atol=1e-15)


def stokes_mode(box):
    """The slowest decaying velocity of the discrete Stokes equations and its rate, by dense matrices made in loops."""
    (nx, ny), (dx, dy) = box.num_points, box.spacing
    index = {("x", i, j): None for i in range(nx - 1) for j in range(ny)}
    index |= {("y", i, j): None for i in range(nx) for j in range(ny - 1)}
    index = {face: number for number, face in enumerate(index)}
    viscous, outflow = np.zeros((len(index), len(index))), np.zeros((nx * ny, len(index)))
    for (name, i, j), row in index.items():
        for di, dj, h in ((1, 0, dx), (-1, 0, dx), (0, 1, dy), (0, -1, dy)):
            viscous[row, row] -= 1 / h**2
            if (name, i + di, j + dj) in index:
                viscous[row, index[name, i + di, j + dj]] += 1 / h**2
            elif (name == "x") == (dj != 0):  # a wall beside the face, half a cell away: the value behind it is -u
                viscous[row, row] -= 1 / h**2
        for behind, sign in ((0, 1.0), (1, -1.0)):
            cell = (i + behind, j) if name == "x" else (i, j + behind)
            outflow[cell[0] * ny + cell[1], row] += sign / (dx if name == "x" else dy)
    solenoidal = np.linalg.svd(outflow)[2][np.linalg.matrix_rank(outflow) :].T
    rates, modes = np.linalg.eigh(solenoidal.T @ viscous @ solenoidal)
    mode = solenoidal @ modes[:, -1]
    split = (nx - 1) * ny
    return rates[-1], FaceVelocity(
        jnp.asarray(mode[:split].reshape(nx - 1, ny)), jnp.asarray(mode[split:].reshape(nx, ny - 1))
    )


def test_a_stokes_mode_decays_as_the_scheme_says(x64):
    rate, velocity = stokes_mode(BOX)
    small = jax.tree.map(lambda u: 1e-9 * u, velocity)  # so small that it does not advect itself
    dt, viscosity = 0.05, 0.3
    z = rate * viscosity * dt
    state = BuoyantSmoke(BOX, viscosity, 0.0, dt)(SmokeState(small, jnp.zeros(BOX.num_points)))
    expected = jax.tree.map(lambda u: (1 + z + z**2 / 2 + z**3 / 6) * u, small)
    assert z < -0.1
    assert_close(state.velocity, expected, atol=1e-16)


def test_smoke_is_conserved_and_bounded(x64):
    solver = BuoyantSmoke(ClosedBox((12, 10), (4.0, 3.0)), 1e-3, 2.0, 0.1)
    state = random_state(solver.grid)
    smoke = state.smoke
    step = compiled(rollout(lambda state: solver.advance(state, solver.largest_step(state)), 40, record=lambda s: s))
    _, history = step(state)
    np.testing.assert_allclose(jnp.mean(history.smoke, axis=(1, 2)), jnp.mean(smoke), rtol=1e-13)
    assert jnp.min(history.smoke) >= jnp.min(smoke) - 1e-14
    assert jnp.max(history.smoke) <= jnp.max(smoke) + 1e-14
    assert jnp.ptp(history.smoke[-1]) < 0.9 * jnp.ptp(smoke)
    for velocity in (history.velocity.x, history.velocity.y):
        assert jnp.all(jnp.isfinite(velocity))


def test_the_longest_euler_step_of_transport_keeps_bounds(x64):
    velocity = random_velocity(BOX)
    step = 0.5 / jnp.max(outflow_rate(velocity, BOX))
    checkerboard = jnp.asarray((np.indices(BOX.num_points).sum(axis=0) % 3 == 0).astype(float))
    after = checkerboard + step * transport(checkerboard, velocity, BOX)
    assert jnp.min(after) >= -1e-15
    assert jnp.max(after) <= 1.0 + 1e-15


def test_single_precision_stays_single():
    solver = BuoyantSmoke(BOX, 0.01, 0.5, 0.01)
    with jax.enable_x64(True):
        state = random_state(BOX, jnp.float32)
        single = compiled(solver)(solver.encode(solver.decode(state)))
    double = compiled(solver)(state)
    assert single.smoke.dtype == single.velocity.x.dtype == jnp.float32
    assert_close(single, double, atol=1e-3)


def test_fields_determine_the_state(x64):
    solver = BuoyantSmoke(BOX, 0.01, 0.5, 0.1)
    state = random_state(BOX)
    assert_close(solver.encode(solver.decode(state)), state, atol=1e-12)


def test_a_mirror_image_moves_as_a_mirror_image(x64):
    solver = BuoyantSmoke(BOX, 0.05, 1.0, 0.02)
    fields = solver.decode(random_state(BOX))
    sign = jnp.asarray([1.0, -1.0, 1.0])[:, None, None]
    moved = solver.decode(solver(solver.encode(fields)))
    mirrored = solver.decode(solver(solver.encode(sign * fields[:, ::-1])))
    np.testing.assert_allclose(mirrored, sign * moved[:, ::-1], atol=1e-12)


def test_third_order_in_time(x64):
    box = ClosedBox((10, 10), (1.0, 1.0))
    solver = BuoyantSmoke(box, 0.01, 1.0, 0.1)
    x, y = box.points()
    start = SmokeState(cavity_start(box).velocity, jnp.asarray(x + 2.0 * y))  # rising, so that no limiter switches

    @compiled
    def end(num_steps):
        def step(_, state):
            return solver.advance(state, 0.05 / num_steps.astype(float))

        return jax.lax.fori_loop(0, num_steps, step, start)

    exact = end(jnp.asarray(128))
    errors = []
    for num_steps in (4, 8, 16):
        difference = jax.tree.map(jnp.subtract, end(jnp.asarray(num_steps)), exact)
        errors.append([float(jnp.sqrt(energy(difference.velocity))), float(jnp.linalg.norm(difference.smoke))])
    slopes = np.diff(np.log2(errors), axis=0)
    np.testing.assert_allclose(slopes[:, 0], -3.0, atol=0.05)
    np.testing.assert_allclose(
        np.mean(slopes[:, 1]), -3.0, atol=0.2
    )  # faces whose velocity changes sign make it uneven


def test_second_order_in_space(x64):
    fields = []
    for n in (12, 24, 48):
        box = ClosedBox((n, n), (1.0, 1.0))
        solver = BuoyantSmoke(box, 0.02, 1.0, 0.1 / 16)

        def end(solver=solver, box=box):
            last, _ = rollout(solver, 16, record=lambda state: None)(cavity_start(box))
            return solver.decode(last)

        fine = compiled(end)()
        fields.append(fine.reshape(3, 12, n // 12, 12, n // 12).mean(axis=(2, 4)))
    first, second = (np.abs(a - b).mean(axis=(1, 2)) for a, b in itertools.pairwise(fields))
    orders = np.log2(first / second)
    print(orders)
    assert np.all(orders > 1.7), orders


def test_stopping_and_going_on_is_the_same_to_the_bit():
    solver = BuoyantSmoke(BOX, 0.01, 0.5, 0.05)
    start = random_state(BOX, jnp.float32)
    whole, _ = compiled(rollout(solver, 4))(start)
    half = compiled(rollout(solver, 2))
    assert_close(half(half(start)[0])[0], whole, rtol=0, atol=0)


def test_gradients_of_a_rollout_against_finite_differences(x64):
    start = random_state(BOX)

    def loss(parameters):
        viscosity, buoyancy, level = parameters
        solver = BuoyantSmoke(BOX, viscosity, buoyancy, 0.02)
        state = SmokeState(start.velocity, start.smoke * (1.0 + level * jnp.sin(7.0 * start.smoke)))
        last, _ = rollout(solver, 3, record=lambda state: None)(state)
        return jnp.sum(solver.decode(last)[1:] ** 2) + jnp.sum(last.smoke**3)

    run = jax.jit(jax.value_and_grad(loss))
    parameters = jnp.asarray([0.05, 0.7, 0.1])
    _, gradient = run(parameters)
    for direction, expected in zip(1e-5 * np.eye(3), gradient, strict=True):
        difference = (run(parameters + direction)[0] - run(parameters - direction)[0]) / 2e-5
        np.testing.assert_allclose(difference, expected, rtol=1e-6)


def test_starts_are_smooth_positive_and_at_rest(getkey):
    box = ClosedBox((32, 24), (32.0, 24.0))
    smoke, *velocity = random_smoke(box, key=getkey(), dtype=jnp.float32)
    np.testing.assert_allclose(jnp.sqrt(jnp.mean(smoke**2)), 1.0, rtol=1e-5)  # noise of zero mean and unit deviation
    assert jnp.min(smoke) >= 0
    assert jnp.max(jnp.abs(jnp.diff(smoke, axis=0))) < 1.0
    assert not np.any(velocity)
    other, *_ = random_smoke(box, key=getkey(), dtype=jnp.float32)
    assert jnp.max(jnp.abs(other - smoke)) > 0.5


def test_a_box_without_size_is_refused():
    with pytest.raises(ValueError, match="positive lengths"):
        ClosedBox((4, 4), (1.0, 0.0))
    assert ClosedBox((4, 2), (1.0, 3.0)).mean(jnp.ones((4, 2))) == 1.0
