"""Test filters act on waves by their transfer functions, also on padded grids, and keep what they must at walls."""

import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.flows.explicit_filter import SevenPoint, SharpCutoff, ThreePoint, filtered

STENCILS = {
    ThreePoint(): np.array([1, 2, 1]) / 4,
    SevenPoint(): np.array([1, -6, 15, 44, 15, -6, 1]) / 64,
}


@pytest.mark.parametrize("test_filter", STENCILS)
@pytest.mark.parametrize("num_points", [8, 9])
def test_the_matrix_on_the_grid_itself_is_the_stencil(test_filter, num_points):
    stencil = STENCILS[test_filter]
    half = len(stencil) // 2
    expected = sum(c * np.roll(np.eye(num_points), shift - half, axis=1) for shift, c in enumerate(stencil))
    np.testing.assert_allclose(test_filter.matrix(num_points, num_points), expected, atol=1e-15)


@pytest.mark.parametrize("test_filter", [SharpCutoff(), ThreePoint(), SevenPoint()])
@pytest.mark.parametrize("resolved", [8, 9, 12])
def test_a_padded_field_is_filtered_like_the_grid_that_resolves_it(test_filter, resolved):
    padded = 3 * resolved // 2 + 1
    coarse, fine = np.arange(resolved) / resolved, np.arange(padded) / padded
    for mode in range((resolved + 1) // 2):
        gain = test_filter.matrix(resolved, resolved)[0] @ np.cos(2 * np.pi * mode * coarse)
        wave = np.cos(2 * np.pi * mode * fine + 0.3)
        np.testing.assert_allclose(test_filter.matrix(padded, resolved) @ wave, gain * wave, atol=1e-14)
    beyond = np.cos(2 * np.pi * (resolved // 2 + 1) * fine)
    np.testing.assert_allclose(test_filter.matrix(padded, resolved) @ beyond, 0.0, atol=1e-14)


@pytest.mark.parametrize("resolved", [8, 12, 13, 20])
def test_the_sharp_cut_off_keeps_waves_longer_than_four_spacings(resolved):
    kept = [
        np.trace(SharpCutoff().matrix(resolved, resolved)),  # a projection: its trace counts the modes
        1 + 2 * sum(1 for mode in range(1, resolved) if 4 * mode < resolved),
    ]
    assert round(kept[0], 10) == kept[1]


def test_the_wall_stencils_keep_parabolas_and_take_saw_teeth_away():
    n = 9
    matrix, i = SevenPoint().wall_matrix(n), np.arange(n)
    np.testing.assert_allclose(matrix @ (1.0 + 2.0 * i - 3.0 * i**2), 1.0 + 2.0 * i - 3.0 * i**2, atol=1e-13)
    np.testing.assert_allclose((matrix @ (-1.0) ** i)[1:-1], 0.0, atol=1e-15)
    np.testing.assert_allclose((matrix @ i**4.0)[2:-2], i[2:-2] ** 4.0, rtol=1e-13)
    np.testing.assert_array_equal(matrix[0], np.eye(n)[0])
    np.testing.assert_array_equal(matrix, matrix[::-1, ::-1])
    with pytest.raises(ValueError, match="at least seven points"):
        SevenPoint().wall_matrix(6)


def test_filtering_is_along_the_named_axes_alone():
    field = np.random.default_rng(0).normal(size=(2, 8, 5, 6)).astype(np.float32)
    matrices = {0: ThreePoint().matrix(8, 8), 2: ThreePoint().matrix(6, 6)}
    expected = field
    for axis in (1, 3):
        expected = 0.5 * expected + 0.25 * (np.roll(expected, 1, axis) + np.roll(expected, -1, axis))
    answer = filtered(jnp.asarray(field), matrices)
    assert answer.dtype == jnp.float32
    np.testing.assert_allclose(answer, expected, atol=1e-6)
