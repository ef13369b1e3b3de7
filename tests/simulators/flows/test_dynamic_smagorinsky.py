"""The dynamic procedure against a slow one in numpy, constants put in by hand, and what turbulence is known to give."""

import jax.numpy as jnp
import numpy as np
import pytest
from flow_grids import Slab, random_flow

from fieldcast.simulators.flows.closure import Resolution, subgrid_stress
from fieldcast.simulators.flows.dynamic_smagorinsky import (
    DynamicSmagorinsky,
    PointwiseDynamicSmagorinsky,
    germano_identity,
    least_squares,
)
from fieldcast.simulators.flows.explicit_filter import SharpCutoff, ThreePoint, filtered
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.smagorinsky import Smagorinsky


def sharply_filtered(field, axes):
    """By a mask on the complete spectrum."""
    spectrum = np.fft.fftn(field, axes=axes)
    for axis in axes:
        mode = np.abs(np.fft.fftfreq(field.shape[axis]) * field.shape[axis])
        keep = (4 * mode < field.shape[axis]).reshape([-1 if a == axis else 1 for a in range(3)])
        spectrum = spectrum * keep
    return np.fft.ifftn(spectrum, axes=axes).real


def three_point_filtered(field, axes):
    for axis in axes:
        field = 0.25 * np.roll(field, 1, axis) + 0.5 * field + 0.25 * np.roll(field, -1, axis)
    return field


def seven_point_filtered(field, walls):
    """Stencil by stencil, in the order of the axes."""
    interior = {0: 44 / 64, 1: 15 / 64, 2: -6 / 64, 3: 1 / 64}
    for axis in range(3):
        wide = sum(interior[abs(shift)] * np.roll(field, shift, axis) for shift in range(-3, 4))
        if axis in walls:
            f, g = np.moveaxis(field, axis, 0), np.moveaxis(wide, axis, 0)
            for ordered, out in ((f, g), (f[::-1], g[::-1])):
                out[0] = ordered[0]
                out[1] = (ordered[0] + 5 * ordered[1] + 3 * ordered[2] - ordered[3]) / 8
                out[2] = -ordered[0] + 5 * ordered[1] + 22 * ordered[2] + 10 * ordered[3] - 5 * ordered[4] + ordered[5]
                out[2] /= 32
        field = wide
    return field


def slow_identity(velocity, gradient, width, ratio, smooth):
    """L and M component by component."""
    velocity, gradient, width = (np.asarray(a) for a in (velocity, gradient, width))
    strain = [[0.5 * (gradient[i, j] + gradient[j, i]) for j in range(3)] for i in range(3)]
    test_strain = [[smooth(strain[i][j]) for j in range(3)] for i in range(3)]
    size = np.sqrt(2 * sum(strain[i][j] ** 2 for i in range(3) for j in range(3)))
    test_size = np.sqrt(2 * sum(test_strain[i][j] ** 2 for i in range(3) for j in range(3)))
    leonard, model = np.zeros_like(gradient), np.zeros_like(gradient)
    for i in range(3):
        for j in range(3):
            leonard[i, j] = smooth(velocity[i] * velocity[j]) - smooth(velocity[i]) * smooth(velocity[j])
            model[i, j] = 2 * smooth(width**2 * size * strain[i][j])
            model[i, j] -= 2 * (ratio * width) ** 2 * test_size * test_strain[i][j]
    trace = sum(leonard[k, k] for k in range(3))
    for i in range(3):
        leonard[i, i] -= trace / 3
    return (leonard * model).sum((0, 1)), (model * model).sum((0, 1))


@pytest.mark.parametrize(
    ("test_filter", "smooth"), [(SharpCutoff(), sharply_filtered), (ThreePoint(), three_point_filtered)]
)
@pytest.mark.parametrize("walls", [False, True])
def test_the_averaged_coefficient_against_a_slow_computation(test_filter, smooth, walls, x64):
    grid = Slab((8, 5, 6)) if walls else PeriodicBox((8, 5, 6), (1.0, 2.0, 3.0))
    axes = (0, 2) if walls else (0, 1, 2)
    resolution = Resolution(grid)
    velocity, gradient = random_flow((8, 5, 6))
    ratio = 4 ** (1 / 3) if walls else 2.0
    top, bottom = slow_identity(velocity, gradient, resolution.width(), ratio, lambda f: smooth(f, axes))
    expected = top.mean(axes, keepdims=True).clip(0) / bottom.mean(axes, keepdims=True)
    answer = DynamicSmagorinsky(test_filter).coefficient(velocity, gradient, resolution)
    np.testing.assert_allclose(answer, expected, rtol=1e-10, atol=1e-15)
    assert answer.max() > 0


@pytest.mark.parametrize("walls", [False, True])
def test_the_pointwise_coefficient_against_a_slow_computation(walls, x64):
    shape = (4, 9, 6)
    resolution = Resolution(Slab(shape) if walls else PeriodicBox(shape, (1.0, 2.0, 3.0)))
    velocity, gradient = random_flow(shape)

    def smooth(field):
        return seven_point_filtered(field, walls={1} if walls else set())

    top, bottom = slow_identity(velocity, gradient, resolution.width(), 2.0, smooth)
    expected = smooth((top / bottom).clip(0, 0.3)).mean(2, keepdims=True).clip(0)
    answer = PointwiseDynamicSmagorinsky().coefficient(velocity, gradient, resolution)
    np.testing.assert_allclose(answer, expected, rtol=1e-10, atol=1e-13)
    assert answer.max() > 0
    assert answer.min() >= 0


def test_the_constant_of_smagorinsky_stresses_at_both_levels_is_found_again(x64):
    fine, coarse = PeriodicBox((8, 6, 8), (1.0, 1.0, 1.0)), PeriodicBox((4, 3, 4), (1.0, 1.0, 1.0))
    velocity, gradient = random_flow(fine.num_points)
    matrices = {axis: SharpCutoff().matrix(n, n) for axis, n in enumerate(fine.num_points)}
    closure, test_gradient = Smagorinsky(0.13), filtered(gradient, matrices)
    grid_stress = subgrid_stress(closure.eddy_viscosity(velocity, gradient, Resolution(fine)), gradient)
    test_stress = subgrid_stress(closure.eddy_viscosity(velocity, test_gradient, Resolution(coarse)), test_gradient)
    leonard = filtered(grid_stress, matrices) - test_stress
    _, model = germano_identity(velocity, gradient, Resolution(fine).width(), 2.0, matrices)
    np.testing.assert_allclose(least_squares(leonard, model, (0, 1, 2)), 0.13**2, rtol=1e-12)
    np.testing.assert_array_equal(least_squares(-leonard, model, (0, 1, 2)), 0.0)


def test_averages_come_before_the_quotient():
    model = jnp.zeros((3, 3, 1, 2, 1)).at[0, 1].set(jnp.array([1.0, 3.0])[None, :, None])
    leonard = jnp.zeros((3, 3, 1, 2, 1)).at[0, 1].set(jnp.array([2.0, 3.0])[None, :, None])
    np.testing.assert_allclose(least_squares(leonard, model, (1,)), (2 + 9) / (1 + 9), rtol=1e-6)


def test_laminar_shear_has_no_eddy_viscosity(x64):
    resolution = Resolution(Slab((4, 9, 6)))
    y = jnp.asarray(resolution.grid.axes()[1])
    profile = jnp.broadcast_to(y[None, :, None], (4, 9, 6))
    velocity = jnp.stack([1 - profile**2, jnp.zeros_like(profile), 0.3 * profile])
    gradient = jnp.zeros((3, 3, 4, 9, 6)).at[0, 1].set(-2 * profile).at[2, 1].set(0.3)
    viscosity = DynamicSmagorinsky().eddy_viscosity(velocity, gradient, resolution)
    np.testing.assert_allclose(viscosity, 0.0, atol=1e-15)
    assert Smagorinsky().eddy_viscosity(velocity, gradient, resolution).min() > 0


def test_a_uniform_velocity_and_the_names_of_the_axes_change_nothing(x64):
    resolution = Resolution(PeriodicBox((6, 6, 6), (1.0, 1.0, 1.0)))
    velocity, gradient = random_flow((6, 6, 6), seed=1)
    expected = DynamicSmagorinsky().coefficient(velocity, gradient, resolution)
    moving = velocity + jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(DynamicSmagorinsky().coefficient(moving, gradient, resolution), expected, rtol=1e-9)
    turned = velocity[jnp.array([1, 2, 0])].transpose(0, 2, 3, 1)
    turned_gradient = gradient[jnp.array([1, 2, 0])][:, jnp.array([1, 2, 0])].transpose(0, 1, 3, 4, 2)
    np.testing.assert_allclose(
        DynamicSmagorinsky().coefficient(turned, turned_gradient, resolution), expected, rtol=1e-10
    )
    assert expected > 0


def test_the_average_needs_a_homogeneous_axis():
    class Duct(Slab):
        @property
        def periodic(self):
            return (True, False, False)

    velocity, gradient = random_flow((4, 9, 9))
    with pytest.raises(ValueError, match="last axis"):
        PointwiseDynamicSmagorinsky().coefficient(velocity, gradient, Resolution(Duct((4, 9, 9))))
