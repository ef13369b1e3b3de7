"""What forces do: their power, and what they leave alone."""

import jax.numpy as jnp
import numpy as np
import pytest
from compiled import compiled

from fieldcast.simulators.flows import periodic_operators as operators
from fieldcast.simulators.flows.forcing import KolmogorovForcing, LinearForcing, LowWavenumberForcing
from fieldcast.simulators.flows.navier_stokes_3d import NavierStokes3D
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.shell_spectrum import shell_spectrum

pytestmark = pytest.mark.usefixtures("x64")

BOX = PeriodicBox((10, 8, 9), (2 * np.pi, 2 * np.pi, 2 * np.pi))


@pytest.fixture
def velocity():
    noise = np.random.default_rng(0).standard_normal((3, *BOX.num_points))
    noise -= noise.mean((1, 2, 3), keepdims=True)
    return operators.leray_projection(operators.to_spectrum(jnp.asarray(noise + 0.2), BOX), BOX)


@pytest.mark.parametrize("box", [BOX, PeriodicBox((9, 8), (3.0, 5.0))])
def test_kolmogorov_force_is_a_sine_along_y(box):
    velocity = jnp.zeros((len(box.num_points), *box.num_points[:-1], box.num_points[-1] // 2 + 1), complex)
    force = operators.to_fields(KolmogorovForcing(0.7, waves=2)(velocity, velocity, box), box)
    y = box.points()[1]
    np.testing.assert_allclose(force[0], 0.7 * np.sin(4 * np.pi * y / box.lengths[1]), atol=1e-15)
    np.testing.assert_array_equal(force[1:], 0.0)


def test_linear_force_leaves_the_mean_alone(velocity):
    force = operators.to_fields(LinearForcing(0.3)(velocity, velocity, BOX), BOX)
    np.testing.assert_allclose(force, 0.3 * (operators.to_fields(velocity, BOX) - 0.2), atol=1e-14)


def test_low_wavenumber_force_balances_the_large_scales_only(velocity):
    acceleration = jnp.roll(velocity, 1, axis=0)  # anything
    force = LowWavenumberForcing(2.0)(velocity, acceleration, BOX)
    kx, ky, kz = BOX.wavenumbers()
    square = kx**2 + ky**2 + kz**2
    forced = (square > 0) & (square <= 4)
    large = jnp.where(forced[None], velocity, 0.0)
    np.testing.assert_array_equal(jnp.where(forced[None], 0.0, force), 0.0)
    np.testing.assert_allclose(operators.inner_product(large, force + acceleration, BOX), 0.0, atol=1e-15)
    factor = force[0, 1, 0, 1] / velocity[0, 1, 0, 1]
    np.testing.assert_allclose(force, factor * large, atol=1e-12)


def test_energy_of_the_large_scales_stays(velocity):
    solver = NavierStokes3D(BOX, 0.1, 0.05, forcing=LowWavenumberForcing(1.0))
    state = velocity
    before = [_large_energy(state), shell_spectrum(solver.decode(state), BOX)]
    step = compiled(solver)
    for _ in range(20):
        state = step(state)
    after = [_large_energy(state), shell_spectrum(solver.decode(state), BOX)]
    np.testing.assert_allclose(after[0], before[0], rtol=1e-6)
    assert after[1][2] < 0.8 * before[1][2]


def _large_energy(state):
    kx, ky, kz = BOX.wavenumbers()
    large = jnp.where(np.rint(kx**2 + ky**2 + kz**2)[None] == 1, state, 0.0)
    return operators.inner_product(large, large, BOX) / 2


def test_low_wavenumber_force_is_finite_at_rest():
    rest = jnp.zeros((3, 10, 8, 5), complex)
    np.testing.assert_array_equal(LowWavenumberForcing(2.0)(rest, rest, BOX), 0.0)


def test_refusals(velocity):
    with pytest.raises(ValueError, match="one wave"):
        KolmogorovForcing(1.0, waves=0)
    with pytest.raises(ValueError, match="positive"):
        LowWavenumberForcing(-1.0)
    with pytest.raises(ValueError, match="more than 9 points"):
        KolmogorovForcing(1.0, waves=3)(velocity, velocity, BOX)
    with pytest.raises(ValueError, match="No wave"):
        LowWavenumberForcing(0.9)(velocity, velocity, BOX)
