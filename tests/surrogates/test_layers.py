"""Each layer against a slow and obvious computation in double precision."""

import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from random_weights import filled
from scipy import ndimage

from fieldcast.surrogates.layers.attention_pooling import AttentionPooling
from fieldcast.surrogates.layers.conditioning import FiLM
from fieldcast.surrogates.layers.conv_block import ConvBlock, num_groups
from fieldcast.surrogates.layers.convolution import convolve
from fieldcast.surrogates.layers.depthwise import depthwise_convolve
from fieldcast.surrogates.layers.dynamic_conv import DynamicConv
from fieldcast.surrogates.layers.fourier_features import fourier_features, num_fourier_features
from fieldcast.surrogates.layers.padded_conv import PaddedConv
from fieldcast.surrogates.layers.point_encoder import PointEncoder
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.resample import average_pool, upsample

pytestmark = pytest.mark.usefixtures("x64")

GRIDS = {1: (7,), 2: (5, 6), 3: (4, 6, 5)}


def correlated(x, weight):
    """Zero-padded correlation by one `scipy.ndimage.correlate` a pair of channels."""
    return np.stack([sum(ndimage.correlate(x[i], row[i], mode="constant") for i in range(len(x))) for row in weight])


@pytest.mark.parametrize(("ndim", "size"), [(1, 3), (2, 5), (3, 3), (3, 1)])
def test_convolution_is_correlation_with_zeros_outside(ndim, size, getkey):
    x = jax.random.normal(getkey(), (3, *GRIDS[ndim]))
    weight = jax.random.normal(getkey(), (2, 3, *(size,) * ndim))
    np.testing.assert_allclose(jax.jit(convolve)(x, weight), correlated(np.asarray(x), np.asarray(weight)), atol=1e-12)


def direct(x, weight):
    padding = [(size // 2, size // 2) for size in weight.shape[2:]]
    return lax.conv_general_dilated(x[None], weight, (1,) * len(padding), padding)[0]


def value_and_gradients(convolution, x, weight, cotangent):
    """The result of a convolution and its cotangents in field and weight, compiled as one."""

    @jax.jit
    def together(x, weight, cotangent):
        value, pull = jax.vjp(convolution, x, weight)
        return value, *pull(cotangent)

    return together(x, weight, cotangent)


@pytest.mark.parametrize("kernel", [(3, 3), (3, 3, 3), (5, 1, 3)])
def test_convolution_has_the_gradients_of_lax(kernel, getkey):
    grid = GRIDS[len(kernel)]
    x, weight = jax.random.normal(getkey(), (3, *grid)), jax.random.normal(getkey(), (2, 3, *kernel))
    cotangent = jax.random.normal(getkey(), (2, *grid))
    ours = value_and_gradients(convolve, x, weight, cotangent)
    theirs = value_and_gradients(direct, x, weight, cotangent)
    for mine, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-12)


def test_convolution_of_a_batch_is_the_batch_of_convolutions(getkey):
    x = jax.random.normal(getkey(), (2, 3, *GRIDS[3]))
    weight = jax.random.normal(getkey(), (2, 3, 3, 3, 3))

    cotangent = jax.random.normal(getkey(), (2, 2, *GRIDS[3]))
    _, field_gradients, weight_gradient = value_and_gradients(jax.vmap(convolve, (0, None)), x, weight, cotangent)
    singles = [
        value_and_gradients(convolve, *pair) for pair in ((x[0], weight, cotangent[0]), (x[1], weight, cotangent[1]))
    ]
    np.testing.assert_allclose(field_gradients, np.stack([single[1] for single in singles]), atol=1e-12)
    np.testing.assert_allclose(weight_gradient, singles[0][2] + singles[1][2], atol=1e-12)


@pytest.mark.parametrize("ndim", [1, 3])
def test_conv_equals_the_convolution_of_equinox(ndim, getkey):
    ours = PaddedConv(ndim, 3, 4, key=getkey())
    theirs = eqx.nn.Conv(ndim, 3, 4, kernel_size=3, padding="SAME", key=getkey())
    bias = jnp.expand_dims(ours.bias, range(1, ndim + 1))
    theirs = eqx.tree_at(lambda layer: (layer.weight, layer.bias), theirs, (ours.weight, bias))
    x = jax.random.normal(getkey(), (3, *GRIDS[ndim]))
    np.testing.assert_allclose(eqx.filter_jit(ours)(x), eqx.filter_jit(theirs)(x), atol=1e-12)
    limit = 1.0 / math.sqrt(3 * 3**ndim)
    assert 0.5 * limit < float(jnp.max(jnp.abs(ours.weight))) <= limit


@pytest.mark.parametrize("size", [0, 2, 4])
def test_even_kernels_are_refused(size, getkey):
    with pytest.raises(ValueError, match="odd"):
        DynamicConv(2, 4, 1, kernel_size=size, key=getkey())


def test_pointwise_is_a_matrix_at_every_point(getkey):
    layer = Pointwise(3, 2, key=getkey())
    x = jax.random.normal(getkey(), (3, 4, 5))
    y = layer(x)
    for i, j in itertools.product(range(4), range(5)):
        expected = np.asarray(layer.weight) @ np.asarray(x)[:, i, j] + np.asarray(layer.bias)
        np.testing.assert_allclose(y[:, i, j], expected, atol=1e-14)


@pytest.mark.parametrize(("ndim", "size"), [(1, 3), (2, 5), (3, 3)])
def test_depthwise_convolution_and_its_gradients(ndim, size, getkey):
    x = jax.random.normal(getkey(), (2, *GRIDS[ndim]))
    kernel = jax.random.normal(getkey(), (2, *(size,) * ndim))
    cotangent = jax.random.normal(getkey(), x.shape)

    def grouped(x, kernel):
        padding = [(size // 2, size // 2)] * ndim
        return lax.conv_general_dilated(x[None], kernel[:, None], (1,) * ndim, padding, feature_group_count=2)[0]

    ours = value_and_gradients(depthwise_convolve, x, kernel, cotangent)
    correlate = [ndimage.correlate(np.asarray(x[c]), np.asarray(kernel[c]), mode="constant") for c in range(2)]
    np.testing.assert_allclose(ours[0], np.stack(correlate), atol=1e-12)
    for mine, expected in zip(ours, value_and_gradients(grouped, x, kernel, cotangent), strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-12)


def test_dynamic_convolution_starts_as_the_identity(getkey):
    layer = DynamicConv(3, 6, 2, key=getkey())
    x = jax.random.normal(getkey(), (2, *GRIDS[3]))
    np.testing.assert_array_equal(layer(x, jax.random.normal(getkey(), (6,))), x)


@pytest.mark.parametrize("ndim", [2, 3])
def test_dynamic_convolution_takes_its_kernels_from_the_token(ndim, getkey):
    layer = filled(DynamicConv(ndim, 6, 2, key=getkey()), getkey())
    token = jax.random.normal(getkey(), (6,))
    x = jax.random.normal(getkey(), (2, *GRIDS[ndim]))
    hidden, output = layer.perceptron.layers
    kernels = np.array(output(jax.nn.gelu(hidden(token)))).reshape(2, *(3,) * ndim)
    kernels[(slice(None), *(1,) * ndim)] += 1.0
    expected = [ndimage.correlate(np.asarray(x[c]), kernels[c], mode="constant") for c in range(2)]
    np.testing.assert_allclose(layer(x, token), np.stack(expected), atol=1e-12)
    other = layer(x, token + 1.0)
    assert np.max(np.abs(other - np.stack(expected))) > 1e-3


def test_film_scales_and_shifts_each_channel(getkey):
    fresh = FiLM(5, 3, key=getkey())
    token = jax.random.normal(getkey(), (5,))
    x = jax.random.normal(getkey(), (3, 4, 2))
    np.testing.assert_array_equal(fresh(x, token), x)
    layer = filled(fresh, getkey())
    modulation = np.asarray(layer.linear.weight) @ np.asarray(token) + np.asarray(layer.linear.bias)
    for c in range(3):
        expected = (1.0 + modulation[c]) * np.asarray(x[c]) + modulation[3 + c]
        np.testing.assert_allclose(layer(x, token)[c], expected, atol=1e-14)


def test_fourier_features_number_by_number(getkey):
    coordinates = np.array([[0.25, -1.0, 0.5], [0.0, 0.1, 1.0]])
    features = np.asarray(fourier_features(jnp.asarray(coordinates), 8))
    assert features.shape == (2, 51) == (2, num_fourier_features(3, 8))
    for point, axis, k in itertools.product(range(2), range(3), range(8)):
        phase = 2**k * math.pi * coordinates[point, axis]
        assert features[point, 3 + 8 * axis + k] == pytest.approx(math.sin(phase), abs=1e-12)
        assert features[point, 27 + 8 * axis + k] == pytest.approx(math.cos(phase), abs=1e-12)
    np.testing.assert_array_equal(features[:, :3], coordinates)


def test_attention_pooling_point_by_point(getkey):
    layer = AttentionPooling(4, key=getkey())
    tokens = jax.random.normal(getkey(), (6, 4))
    scores = np.array([math.exp(float(np.dot(layer.weight, z))) for z in np.asarray(tokens)])
    expected = sum(score * z for score, z in zip(scores / scores.sum(), np.asarray(tokens), strict=True))
    np.testing.assert_allclose(layer(tokens), expected, atol=1e-14)
    np.testing.assert_allclose(layer(tokens[::-1]), expected, atol=1e-14)


def test_point_encoder_layer_by_layer(getkey):
    encoder = filled(PointEncoder(2, 6, 3, key=getkey()), getkey())
    points = jax.random.uniform(getkey(), (4, 2), minval=-1.0)
    for point, token in zip(points, encoder(points), strict=True):
        hidden = np.asarray(fourier_features(point[None], 3))[0]
        for linear, norm in zip(encoder.linears, encoder.norms, strict=True):
            hidden = np.asarray(linear.weight) @ hidden + np.asarray(linear.bias)
            hidden = (hidden - hidden.mean()) / math.sqrt(hidden.var() + norm.eps)
            hidden = np.maximum(hidden * np.asarray(norm.weight) + np.asarray(norm.bias), 0.0)
        np.testing.assert_allclose(token, hidden, atol=1e-12)


def test_conv_block_step_by_step(getkey):
    block = filled(ConvBlock(2, 3, 4, token_width=5, key=getkey()), getkey())
    x, token = jax.random.normal(getkey(), (3, 4, 6)), jax.random.normal(getkey(), (5,))
    y = correlated(np.asarray(x), np.asarray(block.conv.weight)) + np.asarray(block.conv.bias)[:, None, None]
    pairs = y.reshape(2, 2, 4, 6)  # two groups of two channels
    mean, variance = pairs.mean((1, 2, 3), keepdims=True), pairs.var((1, 2, 3), keepdims=True)
    y = ((pairs - mean) / np.sqrt(variance + block.norm.eps)).reshape(4, 4, 6)
    y = y * np.asarray(block.norm.weight)[:, None, None] + np.asarray(block.norm.bias)[:, None, None]
    gamma, beta = np.split(np.asarray(block.film.linear(token)), 2)
    y = (1.0 + gamma[:, None, None]) * y + beta[:, None, None]
    y = 0.5 * y * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (y + 0.044715 * y**3)))
    np.testing.assert_allclose(block(x, token), y, atol=1e-12)


@pytest.mark.parametrize(("channels", "groups"), [(2, 1), (3, 1), (4, 2), (6, 3), (8, 4), (16, 8), (20, 5), (64, 8)])
def test_groups_hold_two_channels_or_more(channels, groups):
    assert num_groups(channels) == groups


def test_average_pool_is_the_mean_of_each_cell(getkey):
    x = jax.random.normal(getkey(), (2, 4, 2, 6))
    y = average_pool(x)
    x = np.asarray(x)
    assert y.shape == (2, 2, 1, 3)
    for i, j, k in np.ndindex(2, 1, 3):
        cell = x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, 2 * k : 2 * k + 2]
        np.testing.assert_allclose(y[:, i, j, k], cell.mean((1, 2, 3)), atol=1e-14)
    with pytest.raises(ValueError, match="even"):
        average_pool(jnp.ones((1, 3, 4)))


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_upsample_is_linear_between_the_centres_of_cells(factor, getkey):
    x = jax.random.normal(getkey(), (2, 3, 4))
    expected = np.asarray(x)
    for axis in (1, 2):
        n = expected.shape[axis]
        places = np.clip((np.arange(n * factor) + 0.5) / factor - 0.5, 0, n - 1)
        expected = np.apply_along_axis(lambda line, p=places, n=n: np.interp(p, np.arange(n), line), axis, expected)
    np.testing.assert_allclose(upsample(x, factor), expected, atol=1e-12)
    np.testing.assert_allclose(average_pool(upsample(jnp.ones((1, 4, 4)))), 1.0, atol=1e-14)
