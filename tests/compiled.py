"""Compilation for tests: what runs once need not run fast."""

import equinox as eqx
import jax

UNOPTIMISED = {"xla_backend_optimization_level": 0}


def compiled(model):
    """A model, or any function of arrays, compiled without optimisation, which takes half the time."""
    arrays, static = eqx.partition(model, eqx.is_array)
    run = jax.jit(lambda arrays, *x: eqx.combine(arrays, static)(*x), compiler_options=UNOPTIMISED)
    return lambda *x: run(arrays, *x)
