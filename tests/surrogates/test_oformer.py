"""Attention as integrals, and the operator transformer that is made of it."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpy_layers as reference
import pytest
from compiled import compiled
from random_weights import drawn, num_parameters

from fieldcast.surrogates.layers.axes import BoundedAxis, PeriodicAxis
from fieldcast.surrogates.layers.quadrature_attention import linear_attention, softmax_attention
from fieldcast.surrogates.operators.oformer import OFormer

TORUS = (PeriodicAxis(1.0), PeriodicAxis(1.0))


def stretched(s):
    return 1.0 + np.tanh(2.0 * s - 1.0) / np.tanh(1.0)


def test_published_number_of_parameters():
    model = eqx.filter_eval_shape(lambda key: OFormer(1, 1, TORUS, key=key), jax.random.key(0))
    assert num_parameters(model) == 68_931_941


@pytest.mark.parametrize("attention", [softmax_attention, linear_attention])
def test_attention_point_by_point(attention, x64):
    random = np.random.default_rng(0)
    q, k, v = (random.normal(size=(2, n, f)) for n, f in ((3, 4), (5, 4), (5, 2)))
    weights = random.uniform(0.5, 1.5, size=5)
    expected = np.zeros((2, 3, 2))
    for h, i in np.ndindex(2, 3):
        products = np.array([q[h, i] @ k[h, j] for j in range(5)])
        density = weights * (np.exp(products) if attention is softmax_attention else products)
        total = density.sum() if attention is softmax_attention else 1.0
        expected[h, i] = sum(density[j] * v[h, j] for j in range(5)) / total
    np.testing.assert_allclose(attention(*map(jnp.asarray, (q, k, v, weights))), expected, rtol=1e-12)


@pytest.mark.parametrize("attention", [softmax_attention, linear_attention])
def test_attention_sees_the_function_not_the_points(attention, x64):
    """On points that lie equally spaced and on others, the integral is the same."""

    def answer(mapping):
        axis = BoundedAxis(mapping)
        x = axis.coordinates(2001)
        keys, values = (jnp.asarray(f(np.multiply.outer(x, [1.0, 2.0])))[None] for f in (np.cos, np.sin))
        return attention(jnp.ones((1, 1, 2)), keys, values, jnp.asarray(axis.weights(2001)))

    np.testing.assert_allclose(answer(lambda s: 2.0 * s), answer(stretched), rtol=1e-5)


def dense(model, u):
    """Of one layer; attention as a double sum over points."""
    grid = u.shape[1:]
    weights = [axis.weights(n) for axis, n in zip(model.axes, grid, strict=True)]
    volumes = np.multiply.outer(*weights).ravel() if len(grid) == 2 else weights[0]
    places = np.meshgrid(*(axis.coordinates(n) for axis, n in zip(model.axes, grid, strict=True)), indexing="ij")
    x, layer = reference.pointwise(u, model.lift), model.layers[0]
    normed = reference.layer_norm(x, layer.attention_norm).reshape(len(x), -1)

    def features(matrix, normalised):
        y = reference.values(matrix) @ normed
        if normalised:
            mean = np.average(y, axis=1, weights=volumes)[:, None]
            y = (y - mean) / np.sqrt(np.average((y - mean) ** 2, axis=1, weights=volumes)[:, None] + 1e-5)
        return y.reshape(-1, len(x), y.shape[1])

    def turned(z):
        parts = []
        for part, place in zip(np.split(z, len(grid), axis=1), places, strict=True):
            half = part.shape[1] // 2
            pairs = part[:, :half] + 1j * part[:, half:]
            angles = 64 * np.multiply.outer(10_000.0 ** (-np.arange(half) / half), place.ravel())
            parts.append(pairs * np.exp(1j * angles))
        return np.concatenate(parts, axis=1)

    attention = layer.attention
    q, k = turned(features(attention.queries, False)), turned(features(attention.keys, True))
    v, y = features(attention.values, True), np.zeros_like(features(attention.values, True))
    for h, i, j in np.ndindex(len(q), q.shape[2], q.shape[2]):
        y[h, :, i] += np.real(q[h, :, i] @ k[h, :, j].conj()) * volumes[j] / volumes.sum() * v[h, :, j]
    attended = reference.pointwise(y.reshape(-1, *grid), attention.combine)
    convolved = reference.spectral(reference.layer_norm(x, layer.spectral_norm), layer.spectral, (4,) * len(grid))
    x = (x + convolved + attended) / math.sqrt(3.0)
    hidden = reference.pointwise(reference.layer_norm(x, layer.perceptron_norm), layer.perceptron.first)
    x = x + reference.pointwise(reference.gelu(hidden), layer.perceptron.second)
    return reference.pointwise(x, model.project)


@pytest.mark.parametrize("shape", [(6,), (5, 4)])
def test_layer_by_layer(shape, x64):
    axes = (PeriodicAxis(2.0), BoundedAxis(stretched))[: len(shape)]
    model = drawn(lambda key: OFormer(2, 3, axes, (4,) * len(shape), 8, 2, 1, key=key))
    u = np.random.default_rng(1).normal(size=(2, *shape))
    np.testing.assert_allclose(compiled(model)(jnp.asarray(u)), dense(model, u), rtol=1e-9, atol=1e-9)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="divisible by 4"):
        OFormer(1, 1, TORUS, (4, 4), 6, key=jax.random.key(0))
