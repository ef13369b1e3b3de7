"""The vision transformer: published parameter count, patch by patch, any resolution."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpy_layers as reference
import pytest
from compiled import compiled
from random_weights import drawn, num_parameters

from fieldcast.surrogates.operators.vit import ViT


def test_published_number_of_parameters():
    assert num_parameters(eqx.filter_eval_shape(lambda key: ViT(1, 1, key=key), jax.random.key(0))) == 63_884_560


def dense(model, u, patches, size, num_heads):
    """One patch, and one pair of tokens, after the other."""
    dims = len(patches)
    tokens = [reference.values(model.register)[:, 0]]
    corners = list(np.ndindex(*patches))
    windows = [(slice(None), *(slice(c * size, (c + 1) * size) for c in corner)) for corner in corners]
    embedding = reference.values(model.embedding)
    for window in windows:
        products = embedding * u[window][None]
        tokens.append(products.sum(axis=tuple(range(1, dims + 2))) + reference.values(model.embedding_bias))
    x = np.stack(tokens, axis=1) + reference.values(model.positions)
    for layer in model.layers:
        normed = reference.layer_norm(x, layer.attention_norm)
        q, k, v = (
            reference.pointwise(normed, linear).reshape(num_heads, -1, x.shape[1])
            for linear in (layer.queries, layer.keys, layer.values)
        )
        y = np.zeros_like(v)
        for h, i in np.ndindex(num_heads, x.shape[1]):
            density = np.exp([q[h, :, i] @ k[h, :, j] / math.sqrt(q.shape[1]) for j in range(x.shape[1])])
            y[h, :, i] = v[h] @ (density / density.sum())
        x = x + reference.pointwise(y.reshape(x.shape), layer.combine)
        hidden = reference.pointwise(reference.layer_norm(x, layer.perceptron_norm), layer.perceptron.first)
        x = x + reference.pointwise(reference.gelu(hidden), layer.perceptron.second)
    values = reference.pointwise(reference.layer_norm(x, model.norm)[:, 1:], model.project)
    out = np.zeros((len(values) // size**dims, *u.shape[1:]))
    for index, window in enumerate(windows):
        out[window] = values[:, index].reshape(-1, *(size,) * dims)
    return out


@pytest.mark.parametrize("patches", [(3,), (2, 3)])
def test_patch_by_patch(patches, x64):
    model = drawn(lambda key: ViT(2, 3, patches, 4, 6, 1, 2, 5, key=key))
    u = np.random.default_rng(0).normal(size=(2, *(4 * p for p in patches)))
    answer = compiled(model)(jnp.asarray(u))
    np.testing.assert_allclose(answer, dense(model, u, patches, 4, 2), rtol=1e-10, atol=1e-10)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="not divisible by 4"):
        ViT(1, 1, width=6, num_heads=4, key=jax.random.key(0))
    model = drawn(lambda key: ViT(1, 1, (4, 4), 2, 4, 1, 1, 4, key=key))
    with pytest.raises(ValueError, match="must divide the grid"):
        eqx.filter_eval_shape(model, jnp.zeros((1, 8, 6)))
