"""Random numbers for models that are made in tests."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.fixture
def numpy_random(monkeypatch):
    """Initial values from NumPy, different for every key: nothing is compiled to draw them.

    Where only the shape of a model is asked for, there are no keys to draw from, and the values are zero.
    """

    def random(key):
        return np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())

    def uniform(key, shape, dtype=float, minval=0.0, maxval=1.0):
        if isinstance(key, jax.core.Tracer):
            return jnp.zeros(shape, dtype)
        return jnp.asarray(random(key).uniform(minval, maxval, shape), dtype)

    def normal(key, shape, dtype=float):
        if isinstance(key, jax.core.Tracer):
            return jnp.zeros(shape, dtype)
        return jnp.asarray(random(key).normal(size=shape), dtype)

    monkeypatch.setattr(jax.random, "uniform", uniform)
    monkeypatch.setattr(jax.random, "normal", normal)
