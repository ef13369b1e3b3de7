"""Closures give the viscosities of their formulas, vanish where they must, and can be differentiated everywhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flow_grids import Slab, random_flow

from fieldcast.simulators.flows.closure import Resolution, contraction, strain_rate, subgrid_stress
from fieldcast.simulators.flows.dynamic_smagorinsky import DynamicSmagorinsky, PointwiseDynamicSmagorinsky
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.smagorinsky import Smagorinsky, VanDriest
from fieldcast.simulators.flows.wale import WALE

BOX = Resolution(PeriodicBox((2, 2, 2), (2.0, 4.0, 8.0)))
"""Spacings of 1, 2 and 4, so a filter width of 2."""

EVERY_CLOSURE = [Smagorinsky(), WALE(), DynamicSmagorinsky(), PointwiseDynamicSmagorinsky()]

MIXED = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
SHEAR = np.array([[0.0, 3.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
ROTATION = np.array([[0.0, -3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]])


def at_a_point(closure, gradient, resolution=BOX):
    """The eddy viscosity of a closure that needs the gradient alone."""
    gradient = jnp.asarray(gradient, dtype=float)[:, :, None, None, None]
    return closure.eddy_viscosity(jnp.zeros((3, 1, 1, 1)), gradient, resolution)[0, 0, 0]


def test_the_width_is_the_cube_root_of_a_cell():
    np.testing.assert_allclose(BOX.width(), np.full((1, 1, 1), 2.0), rtol=1e-6)
    y = np.cos(np.pi * np.arange(5) / 4)
    spacing = [y[0] - y[1], (y[0] - y[2]) / 2, (y[1] - y[3]) / 2, (y[2] - y[4]) / 2, y[3] - y[4]]
    resolution = Resolution(Slab((4, 5, 6)))
    np.testing.assert_allclose(resolution.width()[0, :, 0], np.cbrt(0.4 * 0.3 * np.array(spacing)), rtol=1e-6)
    np.testing.assert_allclose(resolution.wall_distance()[0, :, 0], 1 - np.abs(y), atol=1e-7)
    assert resolution.homogeneous == (0, 2)


def test_grids_without_walls_or_a_third_axis_are_refused():
    with pytest.raises(ValueError, match="three dimensions"):
        Resolution(PeriodicBox((4, 4), (1.0, 1.0)))
    with pytest.raises(ValueError, match="distance from a wall"):
        at_a_point(Smagorinsky(damping=VanDriest(0.01)), SHEAR)


def test_eddy_viscosities_worked_out_by_hand(x64):
    # S = [[1, 1, 0], [1, -1, 0], 0]: S:S = 4.   g g = diag(1, 1, 0): Sd = diag(1, 1, -2) / 3, Sd:Sd = 2/3.
    np.testing.assert_allclose(at_a_point(Smagorinsky(0.1), MIXED), (0.1 * 2) ** 2 * np.sqrt(8), rtol=1e-14)
    wale = (2 / 3) ** 1.5 / (4**2.5 + (2 / 3) ** 1.25)
    np.testing.assert_allclose(at_a_point(WALE(0.4), MIXED), (0.4 * 2) ** 2 * wale, rtol=1e-14)


def test_pure_shear_and_solid_body_rotation(x64):
    np.testing.assert_allclose(at_a_point(Smagorinsky(0.1), SHEAR), (0.1 * 2) ** 2 * 3, rtol=1e-14)
    assert at_a_point(WALE(), SHEAR) == 0
    assert at_a_point(Smagorinsky(), ROTATION) == 0
    # S = 0, Sd = -9 diag(1, 1, -2) / 3: what WALE sees in a rotation is of the order of the rotation.
    np.testing.assert_allclose(at_a_point(WALE(0.4), ROTATION), (0.4 * 2) ** 2 * (2 / 3) ** 0.25 * 3, rtol=1e-14)


def test_turning_the_axes_changes_nothing(x64):
    gradient = np.random.default_rng(1).normal(size=(3, 3))
    turn, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))
    for closure in (Smagorinsky(), WALE()):
        turned = at_a_point(closure, turn @ gradient @ turn.T)
        np.testing.assert_allclose(turned, at_a_point(closure, gradient), rtol=1e-12)


def test_wale_goes_to_zero_with_the_cube_of_the_distance_from_a_wall(x64):
    def velocity(x):  # no slip and no divergence at y = 0
        a = jnp.sin(x[0] + 2 * x[2])
        along = jnp.stack([x[1] * a, jnp.zeros(()), 0.7 * x[1] * jnp.cos(x[0])])
        return along.at[1].set(-0.5 * x[1] ** 2 * jnp.cos(x[0] + 2 * x[2]))

    def viscosity(y):
        return at_a_point(WALE(), jax.jacfwd(velocity)(jnp.array([0.4, y, 0.2])))

    distance = np.array([1e-4, 1e-3])
    near, far = (viscosity(y) for y in distance)
    np.testing.assert_allclose(np.log10(far / near), 3.0, atol=0.01)


def test_van_driest_damps_at_the_wall_alone(x64):
    resolution = Resolution(Slab((4, 9, 6)))
    velocity, gradient = random_flow((4, 9, 6))
    damped = Smagorinsky(0.1, damping=VanDriest(viscous_length=0.01)).eddy_viscosity(velocity, gradient, resolution)
    plain = Smagorinsky(0.1).eddy_viscosity(velocity, gradient, resolution)
    y_plus = (1 - np.abs(resolution.grid.axes()[1])) / 0.01
    factor = (1 - np.exp(-y_plus / 26)) ** 2
    np.testing.assert_allclose(damped, plain * factor[None, :, None], rtol=1e-12)


@pytest.mark.parametrize("closure", EVERY_CLOSURE)
def test_every_closure_scales_like_a_viscosity_and_dissipates(closure, x64):
    velocity, gradient = random_flow((4, 8, 6), seed=1)
    viscosity = closure.eddy_viscosity(velocity, gradient, Resolution(PeriodicBox((4, 8, 6), (1.0, 2.0, 1.5))))
    # Ten times as fast, in a box three times as long.
    scaled = closure.eddy_viscosity(
        10.0 * velocity, 10.0 / 3.0 * gradient, Resolution(PeriodicBox((4, 8, 6), (3.0, 6.0, 4.5)))
    )
    np.testing.assert_allclose(scaled, 30.0 * viscosity, rtol=1e-10)
    work = contraction(subgrid_stress(viscosity, gradient), gradient)
    strain = strain_rate(gradient)
    np.testing.assert_allclose(work, 2 * viscosity * contraction(strain, strain), rtol=1e-10)
    assert work.min() >= 0
    assert work.max() > 0
    assert viscosity.shape == (4, 8, 6)


@pytest.mark.parametrize("closure", EVERY_CLOSURE)
def test_gradients_at_rest_and_in_shear_are_finite(closure):
    resolution = Resolution(PeriodicBox((2, 7, 2), (1.0, 1.0, 1.0)))

    @jax.jit
    def differentiated(*arguments):
        return jax.value_and_grad(lambda c, u, g: jnp.sum(c.eddy_viscosity(u, g, resolution)), (0, 1, 2))(*arguments)

    for state in (np.zeros((3, 3)), SHEAR, ROTATION):
        gradient = jnp.broadcast_to(jnp.asarray(state, dtype=float)[:, :, None, None, None], (3, 3, 2, 7, 2))
        value, derivatives = differentiated(closure, jnp.zeros((3, 2, 7, 2)), gradient)
        assert jnp.isfinite(value)
        assert all(jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(derivatives))
        if not state.any():
            assert value == 0


def test_derivatives_agree_with_finite_differences(x64):
    resolution = Resolution(Slab((4, 7, 6)))
    velocity, gradient = random_flow((4, 7, 6))
    along_velocity, along_gradient = random_flow((4, 7, 6), seed=1)
    for closure in EVERY_CLOSURE:

        @jax.jit
        @jax.value_and_grad
        def total(t, closure=closure):
            fields = velocity + t * along_velocity, gradient + t * along_gradient
            return jnp.sum(closure.eddy_viscosity(*fields, resolution))

        (before, _), (_, derivative), (after, _) = (total(t) for t in (-1e-6, 0.0, 1e-6))
        np.testing.assert_allclose(derivative, (after - before) / 2e-6, rtol=1e-5)
        assert abs(derivative) > 1e-3


def test_constants_are_leaves(x64):
    velocity, gradient = random_flow((2, 7, 2))
    resolution = Resolution(Slab((2, 7, 2)))

    @jax.jit
    def total(closure):
        return jnp.sum(closure.eddy_viscosity(velocity, gradient, resolution))

    for closure in (Smagorinsky(0.1), WALE(0.1)):
        np.testing.assert_allclose(jax.grad(total)(closure).constant, 2 * total(closure) / 0.1, rtol=1e-12)
    sweep = jax.vmap(lambda constant: total(Smagorinsky(constant)))(jnp.array([0.1, 0.2]))
    np.testing.assert_allclose(sweep[1] / sweep[0], 4.0)
    limited = jax.vmap(lambda largest: total(PointwiseDynamicSmagorinsky(largest)))(jnp.array([0.01, 0.3]))
    assert 0 < limited[0] < limited[1]


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_wale_in_single_precision_knows_no_size(size):
    gradient = np.random.default_rng(3).normal(size=(3, 3))
    expected = at_a_point(WALE(), gradient)
    answer = at_a_point(WALE(), size * gradient)
    assert answer.dtype == jnp.float32
    np.testing.assert_allclose(answer / size, expected, rtol=1e-5)
