"""Wrappers around models, against what they say they do."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_weights import drawn

from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.resample import fourier_resample
from fieldcast.surrogates.wrappers import (
    Cast,
    ChannelStatistics,
    DivergenceFree,
    Increment,
    Normalised,
    OnGrid,
    WithCoordinates,
    WithHistory,
    WithParameters,
)

pytestmark = pytest.mark.usefixtures("x64")


def field(num_channels, shape=(4, 6), seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=(num_channels, *shape)))


def test_normalised_model_works_in_normalised_units():
    wrapped = Normalised(
        lambda u: u[:1] ** 3, ChannelStatistics((1.0, 2.0), (3.0, 4.0)), ChannelStatistics((5.0,), (6.0,))
    )
    u = field(2)
    np.testing.assert_allclose(wrapped(u)[0], ((u[0] - 1.0) / 3.0) ** 3 * 6.0 + 5.0, rtol=1e-14)
    with pytest.raises(ValueError, match="statistics of 2 channel"):
        wrapped(field(3))
    with pytest.raises(ValueError, match="positive"):
        ChannelStatistics((1.0,), (0.0,))


def test_increment_is_added_to_the_latest_field():
    u = field(4)
    np.testing.assert_allclose(Increment(lambda u: 2.0 * u[:2])(u), u[2:] + 2.0 * u[:2])
    with pytest.raises(ValueError, match="cannot be added"):
        Increment(lambda u: jnp.concatenate([u, u]))(u)


def test_history_moves_on_by_one_field():
    frames = jnp.stack([field(2, seed=seed) for seed in range(3)])
    stepped = WithHistory(lambda u: u[:2] + 10.0 * u[4:])(frames)
    np.testing.assert_array_equal(stepped[:2], frames[1:])
    np.testing.assert_allclose(stepped[2], frames[0] + 10.0 * frames[2])
    with pytest.raises(ValueError, match="must answer with a field"):
        WithHistory(lambda u: u)(frames)


def test_coordinates_follow_the_channels():
    seen = WithCoordinates(lambda u: u)(field(2))
    np.testing.assert_array_equal(seen[:2], field(2))
    np.testing.assert_allclose(seen[2:], np.meshgrid(np.arange(4) / 4, np.arange(6) / 6, indexing="ij"))


def test_parameters_are_held_and_receive_gradients():
    wrapped = WithParameters(lambda u, p: p[0] * u + p[1], jnp.array([2.0, 3.0]))
    np.testing.assert_allclose(wrapped(field(1)), 2.0 * field(1) + 3.0)
    gradient = eqx.filter_grad(lambda w: jnp.sum(w(field(1))))(wrapped)
    np.testing.assert_allclose(gradient.parameters, [float(jnp.sum(field(1))), 24.0])


def test_cast_model_computes_in_bfloat16_and_keeps_its_parameters():
    layer = drawn(lambda key: Pointwise(2, 3, key=key))
    wrapped, u = Cast(layer, jnp.bfloat16), field(2)
    low = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), layer)(u.astype(jnp.bfloat16))
    answer = wrapped(u)
    assert answer.dtype == u.dtype
    np.testing.assert_array_equal(answer, low.astype(u.dtype))
    assert 1e-5 < float(jnp.max(jnp.abs(answer - layer(u)))) < 0.05
    gradient = eqx.filter_grad(lambda w: jnp.sum(w(u) ** 2))(wrapped)
    assert gradient.model.weight.dtype == layer.weight.dtype


def derivative(x, axis, length):
    n = x.shape[axis]
    k = np.round(np.fft.fftfreq(n, 1.0 / n))
    k = np.where(2 * abs(k) == n, 0.0, k).reshape(tuple(-1 if a == axis else 1 for a in range(x.ndim)))
    return np.real(np.fft.ifft(2j * math.pi / length * k * np.fft.fft(x, axis=axis), axis=axis))


@pytest.mark.parametrize(("shape", "lengths"), [((6, 7), (1.0, 2.0)), ((4, 5, 6), (3.0, 1.0, 2.0))])
def test_projected_velocity_has_no_divergence_and_loses_only_gradients(shape, lengths):
    dims = len(shape)
    u = field(dims + 1, shape)
    projected = np.asarray(eqx.filter_jit(DivergenceFree(lambda u: u, lengths))(u))
    divergence = sum(derivative(projected[a], a, lengths[a]) for a in range(dims))
    np.testing.assert_allclose(divergence, 0.0, atol=1e-12)
    np.testing.assert_array_equal(projected[dims], u[dims])
    lost = np.asarray(u)[:dims] - projected[:dims]
    assert np.max(abs(lost)) > 0.1
    for a in range(1, dims):  # a gradient has no rotation
        rotation = derivative(lost[a], 0, lengths[0]) - derivative(lost[0], a, lengths[a])
        np.testing.assert_allclose(rotation, 0.0, atol=1e-11)
    np.testing.assert_allclose(DivergenceFree(lambda u: u, lengths)(jnp.asarray(projected)), projected, atol=1e-12)


def test_velocities_with_too_few_components_are_refused():
    with pytest.raises(ValueError, match="has 2 components"):
        DivergenceFree(lambda u: u[:1], (1.0, 1.0))(field(2))


def test_model_of_one_grid_does_the_same_on_another():
    """A shift by a point of its grid is one by three points of a grid three times as fine."""
    coarse = fourier_resample(field(2, (3, 5)), (4, 6))  # without the highest waves, which an even grid half holds
    fine = fourier_resample(coarse, (12, 18))
    wrapped = OnGrid(lambda u: jnp.roll(u, 1, axis=1), (4, 6), fourier_resample)
    np.testing.assert_allclose(wrapped(fine), jnp.roll(fine, 3, axis=1), atol=1e-13)
    np.testing.assert_array_equal(wrapped(coarse), jnp.roll(coarse, 1, axis=1))
