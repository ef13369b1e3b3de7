"""Initial values."""

import math
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jrandom
from jaxtyping import Array, Float, PRNGKeyArray

Layer = TypeVar("Layer", bound=eqx.Module)


def uniform_weight_and_bias(
    shape: tuple[int, ...], fan_in: int, *, key: PRNGKeyArray
) -> tuple[Float[Array, "out_channel ..."], Float[Array, " out_channel"]]:
    """A weight of `shape` and a bias for each of its outputs (its first axis), uniform in `+-1 / sqrt(fan_in)`.

    **Arguments:**

    - `shape`: of the weight, outputs first.
    - `fan_in`: how many products a value of the output sums.
    - `key`.
    """
    weight_key, bias_key = jrandom.split(key)
    limit = 1.0 / math.sqrt(fan_in)
    weight = jrandom.uniform(weight_key, shape, dtype=float, minval=-limit, maxval=limit)
    return weight, jrandom.uniform(bias_key, shape[:1], dtype=float, minval=-limit, maxval=limit)


def zero_initialised(layer: Layer) -> Layer:
    """The same layer with all its arrays zero, so that a branch which ends in it adds nothing at first."""
    return jax.tree.map(lambda leaf: jnp.zeros_like(leaf) if eqx.is_array(leaf) else leaf, layer)
