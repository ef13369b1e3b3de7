"""Filters against closed forms and slow sums; resampling against functions that both grids resolve."""

import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.flows.filters import BoxFilter, GaussianFilter, SharpFilter
from fieldcast.simulators.flows.resampling import ChebyshevInterpolation, FourierResampling, Subsampling

LENGTH = 3.0
WIDTH = 0.7


@pytest.mark.parametrize("num_points", [15, 16])
@pytest.mark.parametrize(
    ("kind", "transfer"),
    [
        (BoxFilter, lambda k: np.sin(0.5 * k * WIDTH) / (0.5 * k * WIDTH)),
        (GaussianFilter, lambda k: np.exp(-(k**2) * WIDTH**2 / 24)),
        (SharpFilter, lambda k: 1.0 * (k < np.pi / WIDTH)),
    ],
)
def test_every_wave_is_damped_by_the_transfer_function(kind, transfer, num_points, x64):
    x = LENGTH / num_points * np.arange(num_points)
    for mode in range(1, (num_points + 1) // 2):
        k = 2 * np.pi * mode / LENGTH
        wave = 2.0 + np.cos(k * x + 0.3)
        expected = 2.0 + transfer(k) * np.cos(k * x + 0.3)
        filtered = kind((WIDTH,), (LENGTH,))(jnp.asarray(wave))
        np.testing.assert_allclose(filtered, expected, atol=1e-13)


def test_a_box_filter_is_the_mean_over_an_interval(x64):
    def primitive(x):
        return -np.cos(2 * np.pi * x / LENGTH) * LENGTH / (2 * np.pi)

    x = LENGTH / 12 * np.arange(12)
    mean = (primitive(x + WIDTH / 2) - primitive(x - WIDTH / 2)) / WIDTH
    field = jnp.asarray(np.sin(2 * np.pi * x / LENGTH))
    np.testing.assert_allclose(BoxFilter((WIDTH,), (LENGTH,))(field), mean, atol=1e-13)


def test_filters_act_along_their_axes_only_and_commute(x64):
    fields = jnp.asarray(np.random.default_rng(0).standard_normal((3, 8, 5, 9)))
    both = GaussianFilter((1.0, None, 0.4), (4.0, None, 2.0))
    first = GaussianFilter((1.0, None, None), (4.0, None, None))
    last = GaussianFilter((0.4,), (2.0,))
    np.testing.assert_allclose(both(fields), last(first(fields)), atol=1e-14)
    np.testing.assert_allclose(both(fields), first(last(fields)), atol=1e-14)
    np.testing.assert_allclose(
        both(fields)[1, :, 2], GaussianFilter((1.0, 0.4), (4.0, 2.0))(fields[1, :, 2]), atol=1e-14
    )


def test_a_sharp_filter_projects_on_what_a_coarser_grid_holds(x64):
    field = jnp.asarray(np.random.default_rng(1).standard_normal(24))
    sharp = SharpFilter((LENGTH / 12,), (LENGTH,))
    once = sharp(field)
    assert np.abs(np.fft.rfft(once))[6:].max() < 1e-13
    np.testing.assert_allclose(np.fft.rfft(once)[:6], np.fft.rfft(field)[:6], atol=1e-13)
    np.testing.assert_allclose(sharp(once), once, atol=1e-14)


def test_filters_keep_single_precision():
    field = jnp.ones((2, 8), jnp.float32)
    assert BoxFilter((WIDTH,), (LENGTH,))(field).dtype == jnp.float32


def test_a_filter_without_a_period_is_refused():
    with pytest.raises(ValueError, match="width and a period"):
        BoxFilter((1.0, 1.0), (2.0, None))
    with pytest.raises(ValueError, match="width and a period"):
        BoxFilter((1.0,), (2.0, 2.0))


@pytest.mark.parametrize(("fine", "coarse"), [(16, 8), (15, 8), (16, 7), (9, 5), (12, 12)])
def test_what_both_grids_resolve_is_sampled_exactly(fine, coarse, x64):
    def wave(num_points):
        x = 2 * np.pi / num_points * np.arange(num_points)
        highest = np.cos(coarse // 2 * x)
        return jnp.asarray(1.0 + np.sin(2 * x + 0.4) + (highest if coarse % 2 == 0 else 0.0 * x))

    np.testing.assert_allclose(FourierResampling((coarse,))(wave(fine)), wave(coarse), atol=1e-13)
    np.testing.assert_allclose(FourierResampling((fine,))(wave(coarse)), wave(fine), atol=1e-13)


def test_resampling_removes_what_the_coarse_grid_cannot_hold(x64):
    x = 2 * np.pi / 16 * np.arange(16)
    field = jnp.asarray(np.stack([np.cos(5 * x), np.cos(x)], axis=1))  # along the first of two axes
    coarse = FourierResampling((8, None))(field)
    np.testing.assert_allclose(coarse, np.stack([np.zeros(8), np.cos(x[::2])], axis=1), atol=1e-14)


def test_subsampling_takes_every_nth_point():
    fields = jnp.arange(2 * 6 * 5.0).reshape(2, 6, 5)
    np.testing.assert_array_equal(Subsampling((3, 2))(fields), np.asarray(fields)[:, ::3, ::2])


def test_polynomials_are_interpolated_exactly(x64):
    y = -np.cos(np.pi * np.arange(9) / 8)
    targets = np.concatenate([np.linspace(-1, 1, 13), y[2:4]])

    def polynomial(y):
        return y**8 - 2 * y**3 + 0.5

    fields = jnp.asarray(np.broadcast_to(polynomial(y)[None, :, None], (2, 9, 3)))
    values = ChebyshevInterpolation(targets)(fields)
    np.testing.assert_allclose(values, np.broadcast_to(polynomial(targets)[None, :, None], (2, 15, 3)), atol=1e-13)
