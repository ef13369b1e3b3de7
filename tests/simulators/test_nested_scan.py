"""Nesting changes memory and time, never values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.nested_scan import nested_scan


def step(carry):
    carry = jnp.sin(1.3 * carry) + 0.1
    return carry, 2.0 * carry


def loss(start, num_steps, levels):
    carry, records = nested_scan(step, start, num_steps, levels)
    return jnp.sum(records**2) + jnp.sum(carry)


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("num_steps", [1, 3, 17, 64, 101])
def test_same_values_and_gradients_as_a_plain_loop(num_steps, levels):
    start = jnp.asarray([0.3, -0.7])
    expected, records = start, []
    for _ in range(num_steps):
        expected, record = step(expected)
        records.append(record)
    carry, nested = nested_scan(step, start, num_steps, levels)
    np.testing.assert_allclose(carry, expected, rtol=1e-5)
    np.testing.assert_allclose(nested, jnp.stack(records), rtol=1e-5)
    np.testing.assert_allclose(jax.grad(loss)(start, num_steps, levels), jax.grad(loss)(start, num_steps, 0), rtol=2e-4)


def test_nesting_saves_memory():
    def last(start, levels):
        return jnp.sum(nested_scan(lambda carry: (step(carry)[0], None), start, 1000, levels)[0])

    def temporary_bytes(levels):
        gradient = jax.jit(jax.grad(last), static_argnums=1)
        return gradient.lower(jnp.ones(1000), levels).compile().memory_analysis().temp_size_in_bytes

    plain, once, twice = (temporary_bytes(levels) for levels in (0, 1, 2))
    assert once < 0.1 * plain
    assert twice < 0.6 * once
