"""The integrating-factor step on equations with known solutions."""

import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators import spectral
from fieldcast.simulators.flows.integrating_factor import integrating_factor_rk4

pytestmark = pytest.mark.usefixtures("x64")

RATES = np.array([0.0, 1.0, 3.0])
START = np.array([0.5 + 0.1j, 0.4 - 0.3j, 0.2 + 0.6j])


def decay(state, time):
    return spectral.scaled(state, jnp.exp(-jnp.asarray(RATES) * time))


def bernoulli(time):
    """Solution of `du/dt = -a u + u^2`."""
    safe = np.where(RATES > 0, RATES, 1.0)
    growth = np.where(RATES > 0, (1 - np.exp(-RATES * time)) / safe, time)
    return START * np.exp(-RATES * time) / (1 - START * growth)


def error_at_one(num_steps):
    state = jnp.asarray(START)
    for _ in range(num_steps):
        state = integrating_factor_rk4(lambda u: u * u, decay, state, jnp.asarray(1.0 / num_steps))
    return np.abs(state - bernoulli(1.0)).max()


def test_order_four():
    numbers = np.array([8, 16, 32, 64])
    slope = np.polyfit(np.log(numbers), np.log([error_at_one(n) for n in numbers]), 1)[0]
    assert -4.3 < slope < -3.8


def test_linear_part_is_exact_in_one_long_step():
    state = integrating_factor_rk4(jnp.zeros_like, decay, jnp.asarray(START), jnp.asarray(7.0))
    np.testing.assert_allclose(state, START * np.exp(-7.0 * RATES), rtol=1e-14)
