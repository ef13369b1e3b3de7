"""Compilation for tests: what runs once need not run fast."""

from collections.abc import Iterator
from contextlib import contextmanager

import equinox as eqx
import jax

UNOPTIMISED = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}


def compiled(model):
    """A model, or any function of arrays, compiled without optimisation, which takes a quarter of the time."""
    arrays, static = eqx.partition(model, eqx.is_array)
    run = jax.jit(lambda arrays, *x: eqx.combine(arrays, static)(*x), compiler_options=UNOPTIMISED)
    return lambda *x: run(arrays, *x)


@contextmanager
def hasty_compiler() -> Iterator[None]:
    """Everything within is compiled with few optimisations."""
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", False)
