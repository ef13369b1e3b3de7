"""Random numbers for models that are made in tests."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.fixture
def numpy_random(monkeypatch):
    """Initial values from NumPy, different for every key: nothing is compiled to draw them.

    Under a transformation (a layer for each of several keys, or only its shape) there is no key to draw from, and JAX
    draws as usual.
    """
    drawn_uniformly, drawn_normally = jax.random.uniform, jax.random.normal

    def random(key):
        return np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())

    def uniform(key, shape, dtype=float, minval=0.0, maxval=1.0):
        if isinstance(key, jax.core.Tracer):
            return drawn_uniformly(key, shape, dtype, minval, maxval)
        return jnp.asarray(random(key).uniform(minval, maxval, shape), dtype)

    def normal(key, shape, dtype=float):
        if isinstance(key, jax.core.Tracer):
            return drawn_normally(key, shape, dtype)
        return jnp.asarray(random(key).normal(size=shape), dtype)

    monkeypatch.setattr(jax.random, "uniform", uniform)
    monkeypatch.setattr(jax.random, "normal", normal)
