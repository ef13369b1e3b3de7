"""Layers with random numbers in place of their initial values, so that nothing is zero."""

import equinox as eqx
import jax


def filled(layer, key, scale=0.3):
    """The layer with normal numbers of standard deviation `scale` in all its arrays."""
    arrays, rest = eqx.partition(layer, eqx.is_array)
    leaves, tree = jax.tree.flatten(arrays)
    keys = jax.random.split(key, len(leaves))
    leaves = [scale * jax.random.normal(k, leaf.shape, leaf.dtype) for k, leaf in zip(keys, leaves, strict=True)]
    return eqx.combine(jax.tree.unflatten(tree, leaves), rest)
