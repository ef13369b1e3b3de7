"""Compressible flow against exact solutions: shock tube, vortex, shear layer, sound; and what it must conserve."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact_riemann import exact_riemann

from fieldcast.simulators.flows.compressible import CompressibleFlow
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.rollout import rollout


@eqx.filter_jit
def _march(flow, fields, time):
    def step(carry):
        state, left = carry
        dt = jnp.minimum(flow.largest_step(state), left)
        return flow.advance(state, dt), left - dt

    return flow.decode(jax.lax.while_loop(lambda carry: carry[1] > 0.0, step, (flow.encode(fields), time))[0])


def march(flow, fields, time):
    """Fields after `time`, by the largest steps."""
    fields = jnp.asarray(fields)
    return np.array(_march(flow, fields, jnp.asarray(time, fields.dtype)))


def line(num_points, length=1.0, **settings):
    return CompressibleFlow(PeriodicBox((num_points,), (length,)), 0.01, **settings)


def tube_error(num_points, left, right, time, gamma=1.4):
    """A shock tube and its mirror image, `left` around the middle of a line and `right` at its ends.

    Returns the mean error of density around the discontinuities, and the fields.
    """
    flow = line(num_points, 2.0, heat_capacity_ratio=gamma)
    x = flow.grid.axes()[0] - 1.0
    distance, outwards = np.abs(x), np.where(x < 0, -1.0, 1.0)
    inside = np.where(np.isclose(distance, 0.5), 0.5, np.where(distance < 0.5, 1.0, 0.0))
    start = inside * np.array(left)[:, None] + (1.0 - inside) * np.array(right)[:, None]
    start[1] *= outwards
    fields = march(flow, start, time)
    density = exact_riemann(left, right, gamma, (distance - 0.5) / time)[0]
    near = np.abs(distance - 0.5) < 0.37
    return np.mean(np.abs(fields[0] - density)[near]), fields


def test_sod_converges_to_the_exact_solution(x64):
    numbers = (100, 200, 400)
    errors = [tube_error(n, (1.0, 0.0, 1.0), (0.125, 0.0, 0.1), 0.2)[0] for n in numbers]
    slope = -np.polyfit(np.log(numbers), np.log(errors), 1)[0]
    assert errors[-1] < 5e-3
    assert 0.75 < slope < 1.3, (errors, slope)


@pytest.mark.parametrize(
    ("left", "right", "time", "largest_error"),
    [((1.0, 0.0, 1000.0), (1.0, 0.0, 0.01), 0.008, 0.2), ((1.0, -2.0, 0.4), (1.0, 2.0, 0.4), 0.1, 0.02)],
    ids=["strong shock", "near vacuum"],
)
def test_strong_waves_stay_positive(left, right, time, largest_error, x64):
    error, fields = tube_error(200, left, right, time)
    assert np.all(fields[0] > 0)
    assert np.all(fields[-1] > 0)
    assert error < largest_error


def vortex(points, time, length):
    """An isentropic vortex of strength 5 that drifts along the diagonal of a square box, gamma 1.4."""
    x, y = (np.mod(along - time, length) - length / 2 for along in points)
    swirl = 5.0 / (2.0 * np.pi) * np.exp(0.5 * (1.0 - x**2 - y**2))
    temperature = 1.0 - 0.4 / (2.0 * 1.4) * swirl**2
    density = temperature**2.5
    return np.stack([density, 1.0 - y * swirl, 1.0 + x * swirl, density * temperature])


def test_vortex_is_carried_at_second_order(x64):
    length, errors = 10.0, []
    for n in (40, 80):
        box = PeriodicBox((n, n), (length, length))
        flow = CompressibleFlow(box, 0.01, heat_capacity_ratio=1.4)
        fields = march(flow, vortex(box.points(), 0.0, length), 1.0)
        errors.append(np.mean(np.abs(fields - vortex(box.points(), 1.0, length))))
    assert errors[-1] < 1.5e-3
    assert np.log2(errors[0] / errors[1]) > 1.8, errors


def test_heun_is_second_order_in_time(x64):
    flow = line(32, shear_viscosity=1e-3)
    wave = 0.1 * np.sin(2 * np.pi * flow.grid.axes()[0])
    state = flow.encode(jnp.asarray(np.stack([1.0 + wave, 0.5 + wave, 1.0 - wave])))

    @jax.jit
    def run(num_steps):
        dt = 0.1 / num_steps
        return jax.lax.fori_loop(0, num_steps.astype(int), lambda _, inner: flow.advance(inner, dt), state)

    reference, *runs = (np.array(run(jnp.asarray(float(n)))) for n in (320, 10, 20, 40))
    errors = [np.mean(np.abs(fields - reference)) for fields in runs]
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(slopes - 2.0) < 0.25), (errors, slopes)


SQUARE = PeriodicBox((40, 36), (1.0, 0.8))


def test_shear_layers_decay_by_viscosity(x64):
    # v_y = exp(-eta k^2 t / rho) sin(k x) in a gas of density 2; the scheme itself adds nothing
    x, wavenumber, time = SQUARE.points()[0], 2 * np.pi, 0.5
    start = np.stack([2.0 + 0.0 * x, 0.0 * x, 1e-4 * np.sin(wavenumber * x), 1.0 + 0.0 * x])
    for viscosity in (1e-8, 0.02):
        fields = march(CompressibleFlow(SQUARE, 0.01, shear_viscosity=viscosity), start, time)
        decay = np.exp(-viscosity * wavenumber**2 * time / 2.0)
        np.testing.assert_allclose(fields[2], decay * start[2], atol=5e-4 * 1e-4)


def test_sound_travels_and_is_damped(x64):
    # at c^2 = gamma p / rho, and by (4/3 eta + zeta) k^2 / (2 rho), oblique to the axes
    gamma, eta, zeta, density, pressure, amplitude = 1.5, 4e-3, 6e-3, 1.3, 0.9, 1e-6
    wavevector = 2 * np.pi / np.array(SQUARE.lengths)
    wavenumber, sound = np.linalg.norm(wavevector), np.sqrt(gamma * pressure / density)
    phase = np.tensordot(wavevector, SQUARE.points(), 1)
    wave = amplitude * np.sin(phase)
    along = wavevector / wavenumber
    start = np.stack(
        [density * (1 + wave), *(sound * wave * component for component in along), pressure * (1 + gamma * wave)]
    )
    flow = CompressibleFlow(SQUARE, 0.01, shear_viscosity=eta, bulk_viscosity=zeta, heat_capacity_ratio=gamma)
    period = 2 * np.pi / (sound * wavenumber)
    fields = march(flow, start, period)
    response = 2j * np.mean((fields[-1] / pressure - 1.0) * np.exp(-1j * phase)) / (gamma * amplitude)
    damping = (4.0 / 3.0 * eta + zeta) * wavenumber**2 / (2.0 * density) * period
    assert 0.2 < damping < 0.5
    np.testing.assert_allclose(np.abs(response), np.exp(-damping), rtol=0.01)
    np.testing.assert_allclose(np.angle(response) / (2 * np.pi), 0.0, atol=0.01)


def rough(box):
    """Positive fields with jumps from cell to cell."""
    fields = np.random.default_rng(0).uniform(0.3, 2.0, (len(box.num_points) + 2, *box.num_points))
    fields[1:-1] -= 1.0
    return fields


# numbers that are the same in both precisions
GAS = {"shear_viscosity": 1 / 64, "bulk_viscosity": 1 / 32, "heat_capacity_ratio": 1.5}
CUBE = CompressibleFlow(PeriodicBox((4, 4, 4), (1.0, 1.0, 1.0)), 0.01, **GAS)


@jax.jit
def step_cube(fields):
    """One step of a cube, from conserved variables to conserved variables."""
    return CUBE(fields)


def test_mass_momentum_and_energy_are_conserved(x64):
    start = CUBE.encode(jnp.asarray(rough(CUBE.grid)))
    state = start
    for _ in range(10):
        state = step_cube(state)
    drift = np.array(state - start).sum(axis=(1, 2, 3)) / np.abs(start).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(drift, 0.0, atol=1e-14)
    assert np.mean(np.abs(state - start)) > 0.1


def test_axes_are_alike(x64):
    # swapping or turning axes before a step or after it is the same
    state = np.array(CUBE.encode(jnp.asarray(rough(CUBE.grid))))
    expected = np.array(step_cube(jnp.asarray(state)))
    for axes in ((1, 0, 2), (1, 2, 0)):

        def turned(fields, axes=axes):
            return fields[[0, *(1 + axis for axis in axes), 4]].transpose(0, *(1 + axis for axis in axes))

        np.testing.assert_allclose(step_cube(jnp.asarray(turned(state))), turned(expected), rtol=1e-11, atol=1e-12)


def test_velocity_along_the_planes_carries_no_heat(x64):
    # layers of flow seen from a frame that moves along them
    fields = np.zeros((5, 4, 4, 4))
    fields[[0, 1, 2, 4]] = rough(PeriodicBox((4, 2), (1.0, 1.0)))[:, :, :1, None]
    drift = np.array([0.0, 0.0, 3.0, 0.0, 0.0])[:, None, None, None]
    at_rest, moving = (CUBE.decode(step_cube(CUBE.encode(jnp.asarray(f)))) for f in (fields, fields + drift))
    np.testing.assert_allclose(moving - drift, at_rest, atol=1e-12)


def test_plane_flow_in_a_cube_is_flow_on_a_line(x64):
    flow = line(4, **GAS)
    fields = rough(flow.grid)
    expected = np.array(flow(flow.encode(jnp.asarray(fields))))
    plane = np.zeros((5, 4, 4, 4))
    plane[[0, 1, 4]] = fields[:, :, None, None]
    result = np.array(step_cube(CUBE.encode(jnp.asarray(plane))))
    np.testing.assert_allclose(result[[0, 1, 4]], np.tile(expected[:, :, None, None], (4, 4)), rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(result[2:4], 0.0)


def test_gradient_through_a_rollout(x64):
    box = PeriodicBox((8,), (1.0,))
    x = 2 * np.pi * box.axes()[0]
    shape = jnp.asarray(np.stack([np.sin(x + 0.3), np.cos(2 * x), np.cos(x + 0.2)]))
    mean = jnp.asarray([1.0, 0.2, 1.0])[:, None]
    weights = jnp.asarray(np.random.default_rng(1).normal(size=shape.shape))

    def loss(parameters):
        eta, zeta, gamma, amplitude = parameters
        flow = CompressibleFlow(box, 0.01, shear_viscosity=eta, bulk_viscosity=zeta, heat_capacity_ratio=gamma)
        state, _ = rollout(flow, 4)(flow.encode(mean + amplitude * shape))
        return jnp.sum(weights * flow.decode(state))

    parameters = jnp.asarray([0.02, 0.03, 1.5, 0.2])
    gradient = np.array(jax.jit(jax.grad(loss))(parameters))
    shifts = 1e-6 * np.concatenate([np.eye(4), -np.eye(4)])
    losses = np.array(jax.jit(jax.vmap(loss))(parameters[None] + shifts))  # also a sweep over solvers
    assert np.all(np.abs(gradient) > 1e-3)
    np.testing.assert_allclose(gradient, (losses[:4] - losses[4:]) / 2e-6, rtol=1e-5)


def test_restart_and_single_precision():
    flow = line(24, shear_viscosity=1e-3)
    start = jnp.asarray(rough(flow.grid), jnp.float32)
    run = eqx.filter_jit(rollout(flow, 4))
    first = flow.encode(start)
    half, fields = run(first)
    assert fields.dtype == jnp.float32
    at_once, _ = eqx.filter_jit(rollout(flow, 8))(first)
    np.testing.assert_array_equal(run(half)[0], at_once)
    with jax.enable_x64(True):
        double, _ = eqx.filter_jit(rollout(flow, 8))(flow.encode(jnp.asarray(start, jnp.float64)))
        assert double.dtype == jnp.float64
        np.testing.assert_allclose(at_once, double, rtol=1e-4, atol=1e-5)


def test_largest_step(x64):
    # density 1 and 4, pressure such that sound runs at 1 and 2; cells of 0.1 and 0.05
    flow = CompressibleFlow(PeriodicBox((2, 2), (0.2, 0.1)), 0.01, heat_capacity_ratio=2.0)
    fields = np.zeros((4, 2, 2))
    fields[0], fields[0, 0, 1] = 1.0, 4.0
    fields[3] = np.where(fields[0] == 1.0, 0.5, 8.0)
    fields[1, 1, 0] = 6.0
    state = flow.encode(jnp.asarray(fields))
    np.testing.assert_allclose(flow.largest_step(state), 0.3 * min(0.1 / 7.0, 0.05 / 2.0))
    viscous = CompressibleFlow(flow.grid, 0.01, shear_viscosity=0.3, bulk_viscosity=0.1, heat_capacity_ratio=2.0)
    np.testing.assert_allclose(viscous.largest_step(state), 1.0 / (4.0 * 0.5 * (100.0 + 400.0)))


def test_names_and_refusals():
    flow = CompressibleFlow(PeriodicBox((4, 4, 4), (1.0, 1.0, 1.0)), 0.1)
    assert flow.components == ("density", "velocity_x", "velocity_y", "velocity_z", "pressure")
    with pytest.raises(ValueError, match="shape"):
        flow.encode(jnp.ones((4, 4, 4, 4)))
    with pytest.raises(ValueError, match="positive"):
        CompressibleFlow(flow.grid, 0.0)
