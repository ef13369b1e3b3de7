"""Long rollouts: the same as plain ones while all is well, and stopped at the right step when it is not."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.flows.plane_statistics import PlaneStatistics
from fieldcast.simulators.long_rollout import long_rollout
from fieldcast.simulators.rollout import rollout
from fieldcast.simulators.stability import BoundedVariance, all_finite
from fieldcast.simulators.stepper import Stepper


class Turning(Stepper):
    """Two numbers a point that turn about zero; the state is twice the fields."""

    dt: float = eqx.field(static=True, default=0.1)

    def __call__(self, state):
        return jnp.stack([0.8 * state[0] - 0.6 * state[1], 0.6 * state[0] + 0.8 * state[1]])

    def encode(self, fields):
        return 2.0 * fields

    def decode(self, state):
        return 0.5 * state


def test_statistics_and_history_are_those_of_a_plain_rollout(getkey):
    step = Turning()
    start = step.encode(jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, 5)), dtype=jnp.float32))
    last, fields = rollout(step, 23)(start)
    expected = PlaneStatistics.empty((2, 3, 5), (0,))
    for snapshot in fields:
        expected = expected.update(snapshot)
    found = long_rollout(
        step, start, 23, {"all": PlaneStatistics.empty((2, 3, 5), (0,))}, history=lambda f: jnp.sum(f**2), chunk=5
    )
    assert (found.num_steps, found.blow_up_step, found.reason) == (23, None, None)
    np.testing.assert_allclose(found.state, last, rtol=1e-6)
    np.testing.assert_allclose(found.statistics["all"].mean, expected.mean, atol=1e-6)
    np.testing.assert_allclose(found.statistics["all"].covariance, expected.covariance, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.history, jnp.sum(fields**2, axis=(1, 2, 3)), rtol=1e-5)


def doubling(state):
    return 2.0 * state


@pytest.mark.parametrize("chunk", [1, 7, 10, 1000])
def test_growth_is_stopped_at_the_step_that_passes_the_limit(chunk):
    """Deviations of 2^n: four times the variance a step, so 10^6 times that of the start is first passed at n = 10."""
    start = jnp.asarray([[1.0, -1.0]], dtype=jnp.float32)
    watch = BoundedVariance.around(np.asarray(start)[None], multiple=1e6)
    found = long_rollout(doubling, start, 5000, watch=watch, chunk=chunk, history=lambda f: f[0, 0])
    assert (found.num_steps, found.blow_up_step) == (9, 10)
    np.testing.assert_array_equal(found.state, 2.0**9 * start)
    np.testing.assert_array_equal(found.history, 2.0 ** np.arange(1, 10))


def test_overflow_is_stopped_at_the_first_infinity():
    """2^127 is the last power of two that single precision holds."""
    found = long_rollout(doubling, jnp.ones((1, 1), jnp.float32), 10**9, PlaneStatistics.empty((1, 1), (0,)))
    assert (found.num_steps, found.blow_up_step) == (127, 128)
    assert "not finite" in found.reason
    assert float(found.statistics.count) == 127
    assert bool(all_finite(found.state))
    assert bool(jnp.isfinite(found.statistics.mean[0]))


def test_a_step_that_raises_is_one_that_blew_up():
    def fragile(state):
        return eqx.error_if(state + 1.0, state[0] >= 37.0, "beyond thirty-seven")

    found = long_rollout(fragile, jnp.zeros(1), 1000, chunk=50, history=lambda f: f[0])
    assert (found.num_steps, found.blow_up_step) == (37, 38)
    assert "beyond thirty-seven" in found.reason
    np.testing.assert_array_equal(found.history, np.arange(1, 38))
    at_once = long_rollout(fragile, jnp.full(1, 37.0), 1000, chunk=50)
    assert (at_once.num_steps, at_once.blow_up_step, at_once.history) == (0, 1, None)


def test_the_watch_sees_every_channel_and_refuses_what_never_varies():
    reference = np.random.default_rng(0).normal(size=(4, 2, 50)) * np.asarray([100.0, 0.01])[:, None] + 7.0
    watch = BoundedVariance.around(reference)
    assert bool(watch(jnp.asarray(reference[0])))
    broken = jnp.asarray(7.0 + (reference[0] - 7.0) * np.asarray([1.0, 4.0])[:, None])
    assert not bool(watch(broken))  # sixteen times the variance of a channel that hardly counts in the energy
    assert not bool(watch(broken.at[0, 3].set(jnp.nan)))
    with pytest.raises(ValueError, match="must vary"):
        BoundedVariance.around(np.ones((2, 1, 5)))


@pytest.mark.parametrize("sizes", [{"num_steps": 0}, {"num_steps": 5, "chunk": 0}])
def test_a_rollout_of_nothing_is_refused(sizes):
    with pytest.raises(ValueError, match="at least 1"):
        long_rollout(doubling, jnp.ones((1, 1)), **sizes)
