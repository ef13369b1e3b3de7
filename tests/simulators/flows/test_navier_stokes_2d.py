"""Flow in a periodic plane against exact solutions, a slow reference, conservation laws and finite differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import compiled

from fieldcast.simulators.flows import periodic_operators as operators
from fieldcast.simulators.flows.forcing import KolmogorovForcing
from fieldcast.simulators.flows.navier_stokes_2d import NavierStokes2D
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.periodic_starts import taylor_green_vorticity
from fieldcast.simulators.rollout import rollout

pytestmark = pytest.mark.usefixtures("x64")

SQUARE = PeriodicBox((16, 16), (2 * np.pi, 2 * np.pi))
OBLONG = PeriodicBox((15, 12), (2 * np.pi, 4.0))
ADVANCE = compiled(NavierStokes2D.advance)
TENDENCY = compiled(NavierStokes2D.tendency)


def random_state(solver):
    noise = np.random.default_rng(0).standard_normal((1, *solver.grid.num_points))
    return operators.viscous_decay(
        solver.encode(jnp.asarray(8.0 * noise)), jnp.asarray(0.1), jnp.asarray(1.0), solver.grid
    )


def after(solver, state, dt, num_steps):
    for _ in range(num_steps):
        state = ADVANCE(solver, state, jnp.asarray(dt))
    return state


def test_taylor_green_decays_exactly():
    solver = NavierStokes2D(SQUARE, 0.05, 0.2)
    start = taylor_green_vorticity(SQUARE)
    fields = solver.decode(after(solver, solver.encode(start), 0.2, 5))
    np.testing.assert_allclose(fields, start * np.exp(-2 * 0.05 * 1.0), atol=1e-14)


def test_waves_of_one_length_do_not_disturb_each_other():
    """Any sum of waves with one |k| is steady without viscosity, although its terms u w_x and v w_y are not zero."""
    solver = NavierStokes2D(SQUARE, 0.01, 0.1, drag=0.3)
    x, y = SQUARE.points()
    start = jnp.asarray(np.cos(3 * x + 4 * y) + 0.7 * np.sin(4 * x - 3 * y) - 1.3 * np.cos(5 * y + 0.2))[None]
    fields = solver.decode(after(solver, solver.encode(start), 0.1, 5))
    np.testing.assert_allclose(fields, start * np.exp(-(25 * 0.01 + 0.3) * 0.5), atol=1e-13)


def test_advection_is_that_of_a_grid_too_fine_to_alias():
    solver = NavierStokes2D(OBLONG, 0.0, 0.1)
    state = random_state(solver)
    n, m = OBLONG.num_points
    fine = np.zeros((2 * n, m + 1), complex)  # numbers of points doubled
    half = np.asarray(state)
    fine[: (n + 1) // 2, : m // 2 + 1] = half[: (n + 1) // 2]
    fine[-(n // 2) :, : m // 2 + 1] = half[-(n // 2) :]
    kx, ky = PeriodicBox((2 * n, 2 * m), OBLONG.lengths).wavenumbers()
    square = np.where(kx**2 + ky**2 > 0, kx**2 + ky**2, 1.0)
    fields = [4 * np.fft.irfftn(symbol * fine) for symbol in (1j * ky / square, -1j * kx / square, 1j * kx, 1j * ky)]
    expected = -np.fft.rfftn(fields[0] * fields[2] + fields[1] * fields[3]) / 4
    expected = np.concatenate([expected[: (n + 1) // 2], expected[-(n // 2) :]])[:, : m // 2 + 1]
    expected = operators.truncated(jnp.asarray(expected), OBLONG)
    np.testing.assert_allclose(TENDENCY(solver, state), expected, atol=1e-12 * np.abs(expected).max())


def test_advection_conserves_energy_and_enstrophy():
    solver = NavierStokes2D(OBLONG, 0.0, 0.1)
    state = random_state(solver)
    tendency = TENDENCY(solver, state)
    stream_function = -operators.inverse_laplacian(state, OBLONG)
    scale = operators.inner_product(tendency[None], tendency[None], OBLONG) ** 0.5
    assert scale > 0.1
    for other in (state, stream_function):
        assert abs(operators.inner_product(other[None], tendency[None], OBLONG)) < 1e-14 * scale


def test_energy_balance_with_force_and_friction():
    """`dE/dt = -2 nu Z - 2 alpha E + <u f>`."""
    solver = NavierStokes2D(OBLONG, 0.02, 0.1, drag=0.3, forcing=KolmogorovForcing(0.9, waves=2))
    state = random_state(solver)
    velocity = solver.velocity(state)
    change = operators.plane_velocity(TENDENCY(solver, state) + solver.friction(state), OBLONG)
    change = OBLONG.mean(jnp.sum(velocity * operators.to_fields(change, OBLONG), axis=0))
    energy = OBLONG.mean(jnp.sum(velocity**2, axis=0)) / 2
    enstrophy = OBLONG.mean(solver.decode(state)[0] ** 2) / 2
    power = OBLONG.mean(velocity[0] * jnp.asarray(0.9 * np.sin(2 * 2 * np.pi * OBLONG.points()[1] / 4.0)))
    np.testing.assert_allclose(change, -2 * 0.02 * enstrophy - 2 * 0.3 * energy + power, rtol=1e-12)


def test_laminar_kolmogorov_flow_is_steady():
    solver = NavierStokes2D(SQUARE, 0.05, 0.01, drag=0.1, forcing=KolmogorovForcing(1.5, waves=4))
    _, y = SQUARE.points()
    laminar = jnp.asarray(-4 * 1.5 / (0.05 * 16 + 0.1) * np.cos(4 * y))[None]  # -du/dy
    state = solver.encode(laminar)
    np.testing.assert_allclose(TENDENCY(solver, state) + solver.friction(state), 0.0, atol=1e-12)
    # The scheme's own balance is off by (0.9 dt)^4 / 2880.
    np.testing.assert_allclose(solver.decode(after(solver, state, 0.01, 20)), laminar, atol=1e-10)


def test_fourth_order_in_time():
    solver = NavierStokes2D(SQUARE, 0.02, 0.1, drag=0.1, forcing=KolmogorovForcing(2.0, waves=4))
    state = random_state(solver)
    numbers = np.array([4, 8, 16])
    ends = [after(solver, state, 0.4 / n, n) for n in (*numbers, 64)]
    errors = [float(jnp.abs(end - ends[-1]).max()) for end in ends[:-1]]
    assert -4.3 < np.polyfit(np.log(numbers), np.log(errors), 1)[0] < -3.8


def test_gradient_through_a_rollout():
    forcing = KolmogorovForcing(1.0, waves=2)
    solver = NavierStokes2D(SQUARE, 0.02, 0.1, drag=0.1, forcing=forcing)
    start = solver.decode(random_state(solver))
    parameters = jnp.array([0.02, 0.1, 1.0, 1.0])  # viscosity, drag, amplitude of the force, size of the start

    @compiled
    @jax.value_and_grad
    def end(parameters):
        changed = eqx.tree_at(lambda s: (s.viscosity, s.drag, s.forcing.amplitude), solver, tuple(parameters[:3]))
        _, fields = rollout(changed, 3)(changed.encode(parameters[3] * start))
        return jnp.sum(fields[-1] ** 2) / 1e3

    _, gradient = end(parameters)
    for index, step in enumerate(1e-6 * np.eye(4)):
        difference = (end(parameters + step)[0] - end(parameters - step)[0]) / 2e-6
        np.testing.assert_allclose(gradient[index], difference, rtol=1e-6)


def test_restart_is_the_same_to_the_bit():
    solver = NavierStokes2D(SQUARE, 0.02, 0.05, forcing=KolmogorovForcing(waves=4))
    state = random_state(solver)
    whole, _ = compiled(rollout(solver, 4))(state)
    half = compiled(rollout(solver, 2))
    np.testing.assert_array_equal(half(half(state)[0])[0], whole)


def test_sweep_over_viscosities():
    state = random_state(NavierStokes2D(SQUARE, 0.0, 0.05))
    viscosities = jnp.array([0.0, 0.03])
    solvers = eqx.filter_vmap(lambda viscosity: NavierStokes2D(SQUARE, viscosity, 0.05))(viscosities)
    ends = compiled(eqx.filter_vmap(lambda solver: solver(state)))(solvers)
    for viscosity, end in zip(viscosities, ends, strict=True):
        expected = after(NavierStokes2D(SQUARE, viscosity, 0.05), state, 0.05, 1)
        np.testing.assert_allclose(end, expected, atol=1e-13 * 16**2)


def test_state_is_what_fields_hold_without_mean_and_aliases():
    solver = NavierStokes2D(OBLONG, 0.0, 0.1)
    fields = solver.decode(random_state(solver))
    np.testing.assert_allclose(solver.decode(solver.encode(fields)), fields, atol=1e-14)
    x, y = OBLONG.points()
    dropped = jnp.asarray(2.0 + np.cos(5 * x) + np.sin(4 * 2 * np.pi * y / 4.0))[None]
    np.testing.assert_allclose(solver.encode(dropped), 0.0, atol=1e-12)


def test_single_precision_stays_single_and_close():
    solver = NavierStokes2D(SQUARE, 0.02, 0.05, drag=0.1, forcing=KolmogorovForcing(waves=4))
    fields = solver.decode(random_state(solver))
    single = after(solver, solver.encode(fields.astype(jnp.float32)), 0.05, 1)
    assert single.dtype == jnp.complex64
    np.testing.assert_allclose(single, after(solver, solver.encode(fields), 0.05, 1), atol=1e-5 * 16**2)


def test_largest_step():
    solver = NavierStokes2D(SQUARE, 0.0, 0.1)
    state = solver.encode(taylor_green_vorticity(SQUARE))
    # |u| + |v| = |sin x cos y| + |cos x sin y| is at most 1, on this grid too; 5 waves are retained.
    np.testing.assert_allclose(solver.largest_step(state), 2.0 / 5.0, rtol=1e-12)


def test_refusals():
    with pytest.raises(ValueError, match="two axes"):
        NavierStokes2D(PeriodicBox((8, 8, 8), (1.0, 1.0, 1.0)), 0.1, 0.1)
    with pytest.raises(ValueError, match=r"\(1, 16, 16\), got \(1, 8, 16\)"):
        NavierStokes2D(SQUARE, 0.1, 0.1).encode(jnp.zeros((1, 8, 16)))
