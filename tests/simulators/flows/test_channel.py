"""The channel against the linear theory of its waves, exact profiles, invariants, and its own limits."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import UNOPTIMISED, compiled

from fieldcast.simulators.flows.channel import ChannelFlow
from fieldcast.simulators.flows.channel_forcing import ConstantFlux, ConstantPressureGradient
from fieldcast.simulators.flows.channel_grid import ChannelGrid
from fieldcast.simulators.flows.channel_starts import channel_with_wave, laminar_channel, turbulent_channel
from fieldcast.simulators.flows.chebyshev import derivative_matrix
from fieldcast.simulators.flows.closure import Closure
from fieldcast.simulators.flows.orr_sommerfeld import least_stable_wave
from fieldcast.simulators.rollout import rollout

SMALL = ChannelGrid((8, 21, 9), (3.0, 1.5))


class UniformViscosity(Closure):
    """The same eddy viscosity everywhere."""

    value: float

    def eddy_viscosity(self, velocity, gradient, resolution):
        return jnp.full(velocity.shape[1:], self.value)


@pytest.fixture(autouse=True, scope="module")
def _double_precision():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def eddies():
    """A flow with eddies, its state, and its compiled step, for all tests that need no other."""
    flow = ChannelFlow(SMALL, 0.02, ConstantFlux(1.0), dt=0.01)
    run = eqx.filter_jit(lambda flow, state, dt: flow.advance(state, dt), compiler_options=UNOPTIMISED)

    def advance(state, dt, flow=flow):
        return run(flow, state, jnp.asarray(dt))

    start = compiled(lambda key: flow.encode(turbulent_channel(SMALL, 60.0, 1.0, key=key)))
    state = start(jax.random.key(1))
    for _ in range(50):  # what does not fit the walls at the start diffuses
        state = advance(state, 0.02)
    return flow, state, advance


@pytest.fixture(scope="module")
def decode(eddies):
    return compiled(eddies[0].decode)


@pytest.fixture(scope="module")
def encode(eddies):
    return compiled(eddies[0].encode)


@pytest.fixture(scope="module")
def gradient_of(eddies):
    return compiled(eddies[0].gradient)


@pytest.mark.parametrize(
    ("reynolds_number", "wave_speed"), [(10000.0, 0.23752649 + 0.00373967j), (8000.0, 0.24707506 + 0.00266441j)]
)
def test_a_wave_grows_as_orr_and_sommerfeld_have_it(reynolds_number, wave_speed):
    grid = ChannelGrid((4, 65, 1), (2 * np.pi, 1.0))
    wave = least_stable_wave(reynolds_number, 1.0, 65)
    assert abs(wave.wave_speed - wave_speed) < 1e-8
    flow = ChannelFlow(grid, 1 / reynolds_number, ConstantPressureGradient(2 / reynolds_number), dt=0.01)
    first = flow.encode(channel_with_wave(grid, wave, 1.0, 1e-5))
    last, _ = compiled(rollout(flow, 1, 200, record=lambda state: None))(first)
    ratio = (flow.velocity(last) / flow.velocity(first))[1, 20, 1, 0]  # of one coefficient of v
    measured = 1j * jnp.log(ratio) / (200 * flow.dt)
    assert abs(measured - wave.wave_speed) < 1e-8


def test_a_laminar_channel_stays_as_it_is():
    for forcing in (ConstantFlux(2 / 3), ConstantPressureGradient(0.02)):
        flow = ChannelFlow(ChannelGrid((3, 17, 4), (1.0, 1.0)), 0.01, forcing, dt=0.5)
        laminar = laminar_channel(flow.grid, 2 / 3)
        go_on = compiled(lambda u, flow=flow: flow.decode(rollout(flow, 1, 20)(flow.encode(u))[0]))
        np.testing.assert_allclose(go_on(laminar), laminar, atol=1e-14)


def test_a_channel_at_rest_starts_as_the_heat_equation_has_it():
    """`dU/dt = G + nu U''` from rest: the steady profile less a series of cosines."""
    viscosity, time = 0.1, 1.0
    flow = ChannelFlow(ChannelGrid((1, 33, 1), (1.0, 1.0)), viscosity, ConstantPressureGradient(1.0), dt=time / 400)
    _, fields = compiled(lambda u: rollout(flow, 1, 400)(flow.encode(u)))(jnp.zeros((3, 1, 33, 1)))
    y = flow.grid.axes()[1]
    odd = np.pi / 2 * (2 * np.arange(60) + 1)
    signs = (-1.0) ** np.arange(60)
    series = (2 * signs / odd**3 * np.exp(-viscosity * odd**2 * time) * np.cos(np.outer(y, odd))).sum(axis=1)
    exact = ((1 - y**2) / 2 - series) / viscosity
    np.testing.assert_allclose(fields[0, 0, 0, :, 0], exact, atol=2e-6)


def test_flux_divergence_and_slip_are_kept_at_round_off(eddies, decode, gradient_of):
    flow, state, advance = eddies
    for _ in range(5):
        state = advance(state, 0.02)
    velocity, gradient = decode(state), gradient_of(state)
    assert abs(float(flow.grid.mean(velocity[0])) - 1.0) < 1e-14
    assert jnp.abs(jnp.trace(gradient)).max() < 1e-12 * jnp.abs(gradient).max()
    assert jnp.abs(velocity[:, :, jnp.array([0, -1])]).max() < 1e-14


def test_the_flux_may_be_another_than_at_the_start(eddies, decode):
    _, state, advance = eddies
    faster = ChannelFlow(SMALL, 0.02, ConstantFlux(1.5), dt=0.01)
    following = decode(advance(state, 0.02, faster))
    assert abs(float(SMALL.mean(following[0])) - 1.5) < 1e-13


def test_energy_changes_by_power_less_dissipation(eddies):
    """`dE/dt = G U_bulk - nu <|grad u|^2>`, up to the order of the time scheme."""
    _, state, advance = eddies
    flow = ChannelFlow(SMALL, 0.02, ConstantPressureGradient(0.05), dt=0.01)
    state = advance(advance(state, 0.02, flow), 0.02, flow)

    @compiled
    def energy_and_budget(state):
        velocity, gradient = flow.decode(state), flow.gradient(state)
        dissipation = 0.02 * SMALL.mean(jnp.sum(gradient**2, axis=(0, 1)))
        return 0.5 * SMALL.mean(jnp.sum(velocity**2, axis=0)), 0.05 * SMALL.mean(velocity[0]) - dissipation

    energy, budget = energy_and_budget(state)
    errors = []
    for dt in (0.08, 0.04):
        later, later_budget = energy_and_budget(advance(state, dt, flow))
        errors.append(abs(float((later - energy) / dt / (0.5 * (budget + later_budget)) - 1)))
    assert errors[0] < 1e-3
    assert errors[1] < 0.3 * errors[0]


def test_order_of_the_time_scheme(eddies, decode):
    _, state, advance = eddies

    def after(num_steps):
        result = state
        for _ in range(num_steps):
            result = advance(result, 0.32 / num_steps)
        return decode(result)

    exact = after(64)
    errors = [float(jnp.abs(after(num_steps) - exact).max()) for num_steps in (4, 8, 16)]
    slopes = np.diff(np.log2(errors))
    assert (slopes < -2.75).all(), (errors, slopes)


def test_a_run_interrupted_is_the_same_to_the_bit(eddies):
    _, state, advance = eddies
    through = stopped = state
    for _ in range(4):
        through = advance(through, 0.01)
    for _ in range(2):
        stopped = advance(stopped, 0.01)
    stopped = jax.tree.map(jnp.asarray, jax.tree.map(np.array, stopped))
    for _ in range(2):
        stopped = advance(stopped, 0.01)
    assert eqx.tree_equal(through, stopped)


def test_encode_is_a_projection(eddies, encode, decode, gradient_of):
    _, state, _ = eddies
    velocity = decode(state)
    np.testing.assert_allclose(decode(encode(velocity)), velocity, atol=1e-12)
    nearest = encode(velocity + jax.random.normal(jax.random.key(3), velocity.shape))
    projected, gradient = decode(nearest), gradient_of(nearest)
    assert jnp.abs(jnp.trace(gradient)).max() < 1e-11 * jnp.abs(gradient).max()
    assert jnp.abs(projected[:, :, jnp.array([0, -1])]).max() < 1e-12
    np.testing.assert_allclose(decode(encode(projected)), projected, atol=1e-11)


def test_the_gradient_is_that_of_the_velocity(eddies, decode, gradient_of):
    _, state, _ = eddies
    velocity, gradient = np.array(decode(state)), np.array(gradient_of(state))
    np.testing.assert_allclose(gradient[:, 1], np.einsum("ij,cxjz->cxiz", derivative_matrix(21), velocity), atol=1e-10)
    ikz = 2j * np.pi / 1.5 * np.arange(5)
    along_z = np.fft.irfft(ikz * np.fft.rfft(velocity, axis=-1), n=9, axis=-1)
    np.testing.assert_allclose(gradient[:, 2], along_z, atol=1e-10)


def test_the_step_follows_the_velocity(eddies):
    flow, state, _ = eddies
    doubled = jax.tree.map(lambda leaf: 2 * leaf, state)
    largest_step = compiled(flow.largest_step)
    np.testing.assert_allclose(largest_step(doubled), 0.5 * largest_step(state), rtol=1e-10)
    sluggish = dataclasses.replace(flow, closure=UniformViscosity(1e3))  # nothing else limits the step
    steepest = (2 * np.pi) ** 2 * ((3 / 3.0) ** 2 + (4 / 1.5) ** 2) + (np.pi / (1 - np.cos(np.pi / 20))) ** 2
    np.testing.assert_allclose(compiled(sluggish.largest_step)(state), 2.5e-3 / steepest, rtol=1e-4)


def test_an_ensemble_of_viscosities(eddies, decode):
    flow, state, advance = eddies
    viscosities = jnp.array([0.01, 0.03])
    together = compiled(
        lambda viscosities: jax.vmap(
            lambda viscosity: dataclasses.replace(flow, viscosity=viscosity).advance(state, jnp.asarray(0.02))
        )(viscosities)
    )(viscosities)
    for index, viscosity in enumerate(viscosities):
        alone = advance(state, 0.02, dataclasses.replace(flow, viscosity=viscosity))
        member = jax.tree.map(lambda leaf, index=index: leaf[index], together)
        np.testing.assert_allclose(decode(member), decode(alone), atol=1e-13)


def test_gradients_through_a_rollout(eddies):
    flow, state, _ = eddies

    def objective(viscosity, bulk_velocity, amplitude):
        changed = dataclasses.replace(flow, viscosity=viscosity, forcing=ConstantFlux(bulk_velocity))
        first = jax.tree.map(lambda leaf: leaf * amplitude.astype(complex), state)
        _, fields = rollout(changed, 1, 3)(first)
        return jnp.mean(fields**3)

    point = tuple(map(jnp.asarray, (0.02, 1.1, 0.9)))
    gradient, value = jax.jit(jax.grad(objective, argnums=(0, 1, 2)))(*point), compiled(objective)
    for axis, slope in enumerate(gradient):
        step = 1e-5 * point[axis]
        there, back = (value(*(x + sign * step if i == axis else x for i, x in enumerate(point))) for sign in (1, -1))
        np.testing.assert_allclose(slope, (there - back) / (2 * step), rtol=1e-6)


def test_a_uniform_eddy_viscosity_is_viscosity(eddies, decode):
    """Explicit as a subgrid stress or implicit as viscosity: the difference is that of the time scheme."""
    _, state, advance = eddies
    viscous = ChannelFlow(SMALL, 0.02, ConstantFlux(1.0), dt=0.01)
    closed = ChannelFlow(SMALL, 0.015, ConstantFlux(1.0), dt=0.01, closure=UniformViscosity(0.005))
    for _ in range(4):
        state = advance(state, 0.005)

    def difference(dt):
        return float(jnp.abs(decode(advance(state, dt, viscous)) - decode(advance(state, dt, closed))).max())

    change = float(jnp.abs(decode(advance(state, 0.01, viscous)) - decode(state)).max())
    assert difference(0.01) < 1e-3 * change
    assert difference(0.005) < 0.2 * difference(0.01)


def test_single_precision_is_refused():
    with jax.enable_x64(False), pytest.raises(ValueError, match="double precision"):
        ChannelFlow(SMALL, 0.02, ConstantFlux(1.0), dt=0.01)


def test_a_field_of_another_grid_is_refused(eddies):
    with pytest.raises(ValueError, match=r"\(3, 8, 21, 9\)"):
        eddies[0].encode(jnp.zeros((3, 8, 21, 8)))
