"""Strict settings for every test: no silent dtype or rank promotion, fresh PRNG keys."""

import os

# Most of a test's time goes into compiling programs that run once; XLA's older emitters, and little optimisation, make
# that cheaper. Set before JAX is imported; a jaxlib that no longer knows a flag names it when the tests start.
os.environ["XLA_FLAGS"] = (
    f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=1"
)

import jax
import jax.random as jrandom
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def getkey():
    """A function that gives a fresh PRNG key at each call, the same sequence in every run."""
    state = {"key": jrandom.key(20260101)}

    def get():
        state["key"], key = jrandom.split(state["key"])
        return key

    return get


@pytest.fixture
def x64():
    """Run a test in double precision."""
    with jax.enable_x64(True):
        yield
