"""Layers with random numbers in place of their initial values, so that nothing is zero."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np


def filled(layer, key, scale=0.3):
    """The layer with normal numbers of standard deviation `scale` in all its arrays."""
    arrays, rest = eqx.partition(layer, eqx.is_array)
    leaves, tree = jax.tree.flatten(arrays)
    keys = jax.random.split(key, len(leaves))
    leaves = [scale * jax.random.normal(k, leaf.shape, leaf.dtype) for k, leaf in zip(keys, leaves, strict=True)]
    return eqx.combine(jax.tree.unflatten(tree, leaves), rest)


def drawn(make, seed=0, scale=0.3):
    """What `make(key)` builds, with normal numbers in all its arrays; nothing is compiled to draw them."""
    model = eqx.filter_eval_shape(make, jax.random.key(0))
    random = np.random.default_rng(seed)

    def draw(leaf):
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf
        return jnp.asarray(scale * random.normal(size=leaf.shape), leaf.dtype)

    return jax.tree.map(draw, model)


def num_parameters(model):
    """How many numbers a model, or the shape of one, holds."""
    leaves = jax.tree.leaves(model)
    return sum(leaf.size for leaf in leaves if eqx.is_array(leaf) or isinstance(leaf, jax.ShapeDtypeStruct))
