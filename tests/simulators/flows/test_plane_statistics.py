"""Moments over any homogeneous axes against NumPy over all samples at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.flows.channel_statistics import ChannelStatistics
from fieldcast.simulators.flows.plane_statistics import PlaneStatistics
from fieldcast.simulators.statistic import merged

SAMPLES = np.random.default_rng(3).normal(2.0, 1.5, size=(6, 2, 3, 4, 5))


@pytest.mark.parametrize("homogeneous", [(0, 2), (1,), (0, 1, 2), ()])
def test_moments_are_those_of_all_samples(homogeneous):
    statistics = PlaneStatistics.empty((2, 3, 4, 5), homogeneous)
    for fields in SAMPLES:
        statistics = statistics.update(jnp.asarray(fields, jnp.float32))
    axes = (0, *(2 + axis for axis in homogeneous))
    mean = SAMPLES.mean(axis=axes, keepdims=True)
    squares = np.einsum("ticde,tjcde->tijcde", SAMPLES - mean, SAMPLES - mean)
    covariance = squares.mean(axis=(0, *(3 + axis for axis in homogeneous)))
    np.testing.assert_allclose(statistics.mean, mean.squeeze(axes), rtol=1e-5)
    np.testing.assert_allclose(statistics.covariance, covariance, rtol=1e-4, atol=1e-5)
    expected = np.sqrt(np.stack([covariance[0, 0], covariance[1, 1]]))
    np.testing.assert_allclose(statistics.root_mean_square, expected, rtol=1e-4)


def test_parts_merge_to_the_whole_and_channels_agree():
    start = PlaneStatistics.empty((2, 3, 4, 5), (0, 2))
    pairs = jnp.asarray(SAMPLES, jnp.float32).reshape(3, 2, 2, 3, 4, 5)
    parts = jax.vmap(lambda pair: start.update(pair[0]).update(pair[1]))(pairs)
    whole, channel = start, ChannelStatistics.empty(4, num_components=2)
    for fields in SAMPLES:
        whole = whole.update(jnp.asarray(fields, jnp.float32))
        channel = channel.update(jnp.asarray(fields, jnp.float32))
    joined = merged(parts)
    assert float(joined.count) == 6
    np.testing.assert_allclose(joined.mean, whole.mean, rtol=1e-5)
    np.testing.assert_allclose(joined.covariance, whole.covariance, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(channel.reynolds_stress, whole.covariance, rtol=1e-5)


def test_axes_that_are_none_are_refused():
    with pytest.raises(ValueError, match="some of the 2 of space"):
        PlaneStatistics.empty((1, 4, 4), (2,))
