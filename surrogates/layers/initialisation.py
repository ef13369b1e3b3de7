"""Initial values."""

from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp

Layer = TypeVar("Layer", bound=eqx.Module)


def zero_initialised(layer: Layer) -> Layer:
    """The same layer with all its arrays zero, so that a branch which ends in it adds nothing at first."""
    return jax.tree.map(lambda leaf: jnp.zeros_like(leaf) if eqx.is_array(leaf) else leaf, layer)
