"""Cross-attention against loops over cells, tokens and heads."""

import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_weights import filled

from fieldcast.surrogates.layers.cross_attention import CrossAttention, cell_centres
from fieldcast.surrogates.layers.fourier_features import fourier_features

pytestmark = pytest.mark.usefixtures("x64")

CHANNELS, TOKEN_WIDTH, NUM_HEADS, NUM_FREQUENCIES = 3, 4, 2, 2


def layer_of(num_poolings, key):
    return CrossAttention(2, CHANNELS, TOKEN_WIDTH, NUM_HEADS, NUM_FREQUENCIES, num_poolings, key=key)


def attend(attention, queries, others):
    """Multi-head attention with nothing but loops: queries and others are lists of vectors."""
    width = TOKEN_WIDTH // NUM_HEADS
    weights = [np.asarray(p.weight) for p in (attention.query_proj, attention.key_proj, attention.value_proj)]
    answers = []
    for query in queries:
        heads = []
        for head in range(NUM_HEADS):
            rows = slice(head * width, (head + 1) * width)
            scores = [
                math.exp((weights[0][rows] @ query) @ (weights[1][rows] @ other) / math.sqrt(width)) for other in others
            ]
            values = [weights[2][rows] @ other for other in others]
            heads.append(sum(s * v for s, v in zip(scores, values, strict=True)) / sum(scores))
        answers.append(np.asarray(attention.output_proj.weight) @ np.concatenate(heads))
    return np.stack(answers)


def test_without_pooling_it_is_attention_in_loops(getkey):
    layer = filled(layer_of(0, getkey()), getkey())
    x = jax.random.normal(getkey(), (CHANNELS, 2, 3))
    tokens = jax.random.normal(getkey(), (5, TOKEN_WIDTH))
    cells = list(itertools.product(range(2), range(3)))
    places = [[2.0 * i / 1 - 1.0, 2.0 * j / 2 - 1.0] for i, j in cells]
    features = np.asarray(fourier_features(jnp.asarray(places), NUM_FREQUENCIES))
    voxels = [np.concatenate([np.asarray(x)[:, i, j], f]) for (i, j), f in zip(cells, features, strict=True)]

    field_answers = attend(layer.field_attends, voxels, np.asarray(tokens))
    token_answers = attend(layer.tokens_attend, np.asarray(tokens), voxels)
    expected = np.array(x)
    for (i, j), answer in zip(cells, field_answers, strict=True):
        both = np.concatenate([np.asarray(x)[:, i, j], answer])
        expected[:, i, j] += np.asarray(layer.field_fusion.weight) @ both + np.asarray(layer.field_fusion.bias)
    expected_tokens = [
        token + np.asarray(layer.token_fusion(jnp.concatenate([token, answer])))
        for token, answer in zip(np.asarray(tokens), token_answers, strict=True)
    ]
    y, new_tokens = eqx.filter_jit(layer)(x, tokens)
    np.testing.assert_allclose(y, expected, atol=1e-12)
    np.testing.assert_allclose(new_tokens, np.stack(expected_tokens), atol=1e-12)


def test_pooled_cells_attend_from_their_centres(getkey):
    """A field that is constant on each cell: the answers at the cells are those of the small grid, moved to centres."""
    layer = filled(layer_of(1, getkey()), getkey())
    cells = jax.random.normal(getkey(), (CHANNELS, 2, 2))
    x = jnp.repeat(jnp.repeat(cells, 2, axis=1), 2, axis=2)
    tokens = jax.random.normal(getkey(), (5, TOKEN_WIDTH))
    centre = 2.0 * 0.5 / 3.0 - 1.0  # between the first two of four points, which lie at -1 ... 1
    places = jnp.asarray(list(itertools.product([centre, -centre], repeat=2)))
    voxels = np.concatenate([np.asarray(cells).reshape(CHANNELS, -1).T, fourier_features(places, 2)], axis=1)
    answers = attend(layer.field_attends, voxels, np.asarray(tokens)).T.reshape(CHANNELS, 2, 2)
    y, _ = eqx.filter_jit(layer)(x, tokens)
    # At the corners of the grid the interpolation has the value of the corner's cell.
    for i, j in itertools.product([0, 1], repeat=2):
        both = jnp.concatenate([cells[:, i, j], jnp.asarray(answers[:, i, j])])
        expected = cells[:, i, j] + layer.field_fusion.weight @ both + layer.field_fusion.bias
        np.testing.assert_allclose(y[:, 3 * i, 3 * j], expected, atol=1e-12)


def test_it_starts_as_the_identity(getkey):
    x, tokens = jax.random.normal(getkey(), (CHANNELS, 4, 4)), jax.random.normal(getkey(), (5, TOKEN_WIDTH))
    y, new_tokens = eqx.filter_jit(layer_of(1, getkey()))(x, tokens)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(new_tokens, tokens)


def test_the_order_of_the_tokens_does_not_matter(getkey):
    layer = eqx.filter_jit(filled(layer_of(1, getkey()), getkey()))
    x, tokens = jax.random.normal(getkey(), (CHANNELS, 4, 4)), jax.random.normal(getkey(), (5, TOKEN_WIDTH))
    y, new_tokens = layer(x, tokens)
    order = jnp.asarray([3, 0, 4, 2, 1])
    y_permuted, new_permuted = layer(x, tokens[order])
    np.testing.assert_allclose(y_permuted, y, atol=1e-12)
    np.testing.assert_allclose(new_permuted, new_tokens[order], atol=1e-12)


def test_the_cells_of_a_grid_span_minus_one_to_one():
    centres = np.asarray(cell_centres((4, 3), (4, 3), jnp.dtype(float)))
    np.testing.assert_allclose(centres[[0, -1]], [[-1.0, -1.0], [1.0, 1.0]])
    halves = np.asarray(cell_centres((4,), (8,), jnp.dtype(float)))[:, 0]
    np.testing.assert_allclose(halves, np.linspace(-1, 1, 8).reshape(4, 2).mean(1), atol=1e-14)


def test_heads_must_share_the_width(getkey):
    with pytest.raises(ValueError, match="3 heads cannot share a token width of 4"):
        CrossAttention(2, CHANNELS, TOKEN_WIDTH, 3, NUM_FREQUENCIES, 0, key=getkey())
