"""Flow in a periodic box against references, the flow in a plane, conservation laws and finite differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import compiled

from fieldcast.simulators.flows import periodic_operators as operators
from fieldcast.simulators.flows.closure import Closure, Resolution
from fieldcast.simulators.flows.forcing import KolmogorovForcing, LinearForcing
from fieldcast.simulators.flows.navier_stokes_2d import NavierStokes2D
from fieldcast.simulators.flows.navier_stokes_3d import NavierStokes3D
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.periodic_starts import taylor_green_velocity
from fieldcast.simulators.rollout import rollout

pytestmark = pytest.mark.usefixtures("x64")

CUBE = PeriodicBox((8, 8, 8), (2 * np.pi, 2 * np.pi, 2 * np.pi))
BRICK = PeriodicBox((8, 9, 10), (2 * np.pi, 5.0, 7.0))
ADVANCE = compiled(NavierStokes3D.advance)
TENDENCY = compiled(NavierStokes3D.tendency)


class UniformViscosity(Closure):
    """An eddy viscosity that is the same everywhere."""

    value: float

    def eddy_viscosity(self, velocity, gradient, resolution):
        return jnp.full_like(velocity[0], self.value)


class StrainViscosity(Closure):
    """An eddy viscosity that differs from point to point."""

    def eddy_viscosity(self, velocity, gradient, resolution):
        return resolution.width(velocity.dtype) ** 2 * jnp.sum(gradient**2, axis=(0, 1))


def random_state(solver):
    noise = np.random.default_rng(0).standard_normal((3, *solver.grid.num_points))
    return operators.viscous_decay(
        solver.encode(jnp.asarray(4.0 * noise)), jnp.asarray(0.2), jnp.asarray(1.0), solver.grid
    )


def after(solver, state, dt, num_steps):
    for _ in range(num_steps):
        state = ADVANCE(solver, state, jnp.asarray(dt))
    return state


def energy(state, box):
    return float(operators.inner_product(state, state, box)) / 2


def test_taylor_green_at_reynolds_number_1600():
    """Energy `<u.u>/2` and enstrophy `<omega.omega>/2` of two independent codes, which agree to 1e-9."""
    box = PeriodicBox((16, 16, 16), CUBE.lengths)
    solver = NavierStokes3D(box, 1 / 1600, 0.01)
    state = after(solver, solver.encode(taylor_green_velocity(box)), 0.01, 10)
    assert abs(energy(state, box) - 0.124953117517) < 1e-10
    assert abs(energy(operators.curl(state, box), box) - 0.375249930801) < 1e-8


def test_flow_that_does_not_vary_along_z_is_that_of_the_plane():
    plane = NavierStokes2D(PeriodicBox((8, 8), CUBE.lengths[:2]), 0.02, 0.1, forcing=KolmogorovForcing(0.7, waves=2))
    solver = NavierStokes3D(CUBE, 0.02, 0.1, forcing=KolmogorovForcing(0.7, waves=2))
    x, y = plane.grid.points()
    vorticity = plane.encode(jnp.asarray(np.cos(x + 2 * y) - 1.5 * np.sin(2 * x - y) + np.cos(y))[None])
    velocity = jnp.broadcast_to(plane.velocity(vorticity)[..., None], (2, 8, 8, 8))
    state = solver.encode(jnp.concatenate([velocity, jnp.zeros((1, 8, 8, 8))]))
    expected = plane.velocity(plane(plane(vorticity)))
    u, v, w = solver.decode(after(solver, state, 0.1, 2))
    np.testing.assert_allclose(jnp.stack([u, v]), np.broadcast_to(expected[..., None], (2, 8, 8, 8)), atol=1e-14)
    np.testing.assert_allclose(w, 0.0, atol=1e-15)


def test_advection_is_that_of_a_grid_too_fine_to_alias():
    """`u x omega`, which differs from the flux form by a gradient only, on twice as many points."""
    solver = NavierStokes3D(BRICK, 0.0, 0.1)
    state = random_state(solver)
    shape, fine_shape = BRICK.num_points, tuple(2 * n for n in BRICK.num_points)
    kept = np.ix_(*(np.r_[0 : m + 1, -m:0] for m in operators.largest_modes(BRICK)[:2]), np.arange(shape[2] // 2 + 1))
    fine = np.zeros((3, *fine_shape[:2], fine_shape[2] // 2 + 1), complex)
    every = (slice(None), *kept)
    fine[every] = 8 * np.asarray(state)[every]
    fields = [
        np.fft.irfftn(part, fine_shape, (1, 2, 3))
        for part in (fine, _curl(fine, PeriodicBox(fine_shape, BRICK.lengths)))
    ]
    force = np.fft.rfftn(np.cross(*fields, axis=0), axes=(1, 2, 3)) / 8
    expected = np.zeros(state.shape, complex)
    expected[every] = force[every]
    expected = solver.encode(jnp.fft.irfftn(jnp.asarray(expected), shape, (1, 2, 3)))
    np.testing.assert_allclose(TENDENCY(solver, state), expected, atol=1e-12 * np.abs(expected).max())


def _curl(spectrum, box):
    return np.cross(1j * np.stack(np.broadcast_arrays(*box.wavenumbers())), spectrum, axis=0)


def test_energy_balance():
    """`dE/dt = -2 nu Z - <2 nu_t S_ij S_ij> + 2 A E'` to round-off: advection and pressure do no work."""
    solver = NavierStokes3D(BRICK, 0.02, 0.1, forcing=LinearForcing(0.4), closure=StrainViscosity())
    state = random_state(solver)
    change = operators.inner_product(state, TENDENCY(solver, state) + solver.friction(state), BRICK)
    gradient = operators.to_fields(operators.gradient(state, BRICK), BRICK)
    strain = (gradient + jnp.swapaxes(gradient, 0, 1)) / 2
    modes = PeriodicBox((5, 5, 7), BRICK.lengths)  # as many as are retained
    eddy = StrainViscosity().eddy_viscosity(strain[0], gradient, Resolution(modes))
    subgrid = BRICK.mean(2 * eddy * jnp.sum(strain**2, axis=(0, 1)))
    viscous = 2 * 0.02 * energy(operators.curl(state, BRICK), BRICK)
    power = 2 * 0.4 * energy(state.at[:, 0, 0, 0].set(0.0), BRICK)
    assert subgrid > 0.1 * viscous
    np.testing.assert_allclose(change, -viscous - subgrid + power, rtol=1e-12)


def test_uniform_eddy_viscosity_adds_to_the_viscosity():
    closed = NavierStokes3D(BRICK, 0.0, 0.1, closure=UniformViscosity(0.03))
    plain = NavierStokes3D(BRICK, 0.03, 0.1)
    state = random_state(plain)
    expected = TENDENCY(plain, state) + plain.friction(state)
    np.testing.assert_allclose(TENDENCY(closed, state), expected, atol=1e-12)


def test_velocity_stays_free_of_divergence():
    solver = NavierStokes3D(BRICK, 0.01, 0.05, closure=StrainViscosity())
    state = after(solver, random_state(solver), 0.05, 10)
    divergence = operators.to_fields(operators.divergence(state, BRICK), BRICK)
    np.testing.assert_allclose(divergence, 0.0, atol=1e-14)


def test_fourth_order_in_time():
    solver = NavierStokes3D(CUBE, 0.02, 0.1, forcing=KolmogorovForcing(waves=2))
    state = random_state(solver)
    numbers = np.array([4, 8, 16])
    ends = [after(solver, state, 0.8 / n, n) for n in (*numbers, 64)]
    errors = [float(jnp.abs(end - ends[-1]).max()) for end in ends[:-1]]
    assert -4.3 < np.polyfit(np.log(numbers), np.log(errors), 1)[0] < -3.8


def test_gradient_through_a_rollout():
    solver = NavierStokes3D(CUBE, 0.02, 0.1, forcing=LinearForcing(0.5), closure=StrainViscosity())
    start = solver.decode(random_state(solver))
    parameters = jnp.array([0.02, 0.5, 1.0])  # viscosity, rate of the force, size of the start

    @compiled
    @jax.value_and_grad
    def end(parameters):
        changed = eqx.tree_at(lambda s: (s.viscosity, s.forcing.rate), solver, tuple(parameters[:2]))
        _, fields = rollout(changed, 2)(changed.encode(parameters[2] * start))
        return jnp.mean(fields[-1][0] ** 2)

    _, gradient = end(parameters)
    for index, step in enumerate(1e-6 * np.eye(3)):
        difference = (end(parameters + step)[0] - end(parameters - step)[0]) / 2e-6
        np.testing.assert_allclose(gradient[index], difference, rtol=1e-6)


def test_restart_is_the_same_to_the_bit():
    solver = NavierStokes3D(CUBE, 0.02, 0.05)
    state = random_state(solver)
    whole, _ = compiled(rollout(solver, 4))(state)
    half = compiled(rollout(solver, 2))
    np.testing.assert_array_equal(half(half(state)[0])[0], whole)


def test_sweep_over_viscosities():
    state = random_state(NavierStokes3D(CUBE, 0.0, 0.05))
    viscosities = jnp.array([0.0, 0.03])
    solvers = eqx.filter_vmap(lambda viscosity: NavierStokes3D(CUBE, viscosity, 0.05))(viscosities)
    ends = compiled(eqx.filter_vmap(lambda solver: solver(state)))(solvers)
    for viscosity, end in zip(viscosities, ends, strict=True):
        expected = after(NavierStokes3D(CUBE, viscosity, 0.05), state, 0.05, 1)
        np.testing.assert_allclose(end, expected, atol=1e-13 * 8**3)


def test_state_is_the_divergence_free_part_of_fields():
    solver = NavierStokes3D(BRICK, 0.0, 0.1)
    fields = solver.decode(random_state(solver)) + jnp.array([0.3, -0.2, 0.1])[:, None, None, None]  # a mean flow
    x, y, z = (2 * np.pi * points / length for points, length in zip(BRICK.points(), BRICK.lengths, strict=True))
    phase = x + 2 * y - z
    potential_flow = jnp.asarray(
        np.stack([np.cos(phase) * k / n for k, n in zip((1, 2, -1), BRICK.lengths, strict=True)])
    )
    np.testing.assert_allclose(solver.decode(solver.encode(fields + potential_flow)), fields, atol=1e-14)


def test_single_precision_stays_single_and_close():
    solver = NavierStokes3D(BRICK, 0.01, 0.05, closure=StrainViscosity())
    fields = solver.decode(random_state(solver))
    single = after(solver, solver.encode(fields.astype(jnp.float32)), 0.05, 1)
    assert single.dtype == jnp.complex64
    np.testing.assert_allclose(single, after(solver, solver.encode(fields), 0.05, 1), atol=1e-5 * 720)


def test_largest_step():
    solver = NavierStokes3D(CUBE, 0.0, 0.1)
    state = solver.encode(taylor_green_velocity(CUBE))
    # |u| + |v| is at most 1, on this grid too; 2 waves are retained along each axis.
    np.testing.assert_allclose(solver.largest_step(state), 2.0 / 2.0, rtol=1e-12)
    closed = NavierStokes3D(CUBE, 0.0, 0.1, closure=UniformViscosity(0.25))
    np.testing.assert_allclose(closed.largest_step(state), 2.0 / (2.0 + 2 * 0.25 * 12.0), rtol=1e-12)


def test_refuses_a_plane():
    with pytest.raises(ValueError, match="NavierStokes2D"):
        NavierStokes3D(PeriodicBox((8, 8), (1.0, 1.0)), 0.1, 0.1)
