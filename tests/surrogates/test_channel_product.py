"""The product of a matrix with the channels of fields, and the activation beside it: values, derivatives, batches."""

import jax
import jax.numpy as jnp
import numpy as np
import numpy_layers as reference
import pytest
from scipy import stats

from fieldcast.surrogates.layers.channel_product import channel_product
from fieldcast.surrogates.layers.gelu import gelu


@pytest.fixture
def operands(x64):
    """A matrix and three fields, of few and of many points."""
    random = np.random.default_rng(0)
    return {n: (random.normal(size=(4, 3)), random.normal(size=(3, 3, n))) for n in (1, 8)}


@pytest.mark.parametrize("num_points", [1, 8])
@pytest.mark.parametrize("axes", [(None, 0), (None, 2), (0, None), (1, 1)])
def test_batches(axes, num_points, operands):
    weight, x = operands[num_points]
    weights = weight if axes[0] is None else np.stack([weight, 2.0 * weight, -weight], axes[0])
    fields = x[0] if axes[1] is None else np.moveaxis(x, 0, axes[1])
    expected = [
        (weight if axes[0] is None else np.take(weights, k, axes[0])) @ (x[0] if axes[1] is None else x[k])
        for k in range(3)
    ]
    answer = jax.vmap(channel_product, axes)(jnp.asarray(weights), jnp.asarray(fields))
    np.testing.assert_allclose(answer, expected, atol=1e-14)


@pytest.mark.parametrize("num_points", [1, 8])
def test_derivatives_in_both_modes_of_batches_and_in_batches(num_points, operands):
    """Of `f = sum (W x)^3 / 3`: with `y = W x`, `df/dW = y^2 x^T`, `df/dx = W^T y^2`, `d^2f/dx^2 = 2 W^T y W`."""
    weight, x = (jnp.asarray(array) for array in operands[num_points])

    def f(weight, x):
        return jnp.sum(channel_product(weight, x) ** 3) / 3.0

    squares = np.einsum("oi,bin->bon", weight, x) ** 2
    by_weight, by_x = np.einsum("bon,bin->boi", squares, x), np.einsum("oi,bon->bin", weight, squares)
    for derivative in (jax.grad, jax.jacfwd):
        inside = jax.jit(jax.vmap(derivative(f, (0, 1)), (None, 0)))(weight, x)
        outside = jax.jit(derivative(lambda w, x: jnp.sum(jax.vmap(f, (None, 0))(w, x)), (0, 1)))(weight, x)
        np.testing.assert_allclose(inside[0], by_weight, atol=1e-12)
        np.testing.assert_allclose(outside[0], by_weight.sum(0), atol=1e-12)
        for answer in (inside[1], outside[1]):
            np.testing.assert_allclose(answer, by_x, atol=1e-12)
    second = jax.jit(jax.hessian(f, 1))(weight, x[0])[:, 0, :, 0]
    y = weight @ x[0]
    np.testing.assert_allclose(second, 2.0 * np.einsum("oi,o,oj->ij", weight, y[:, 0], weight), atol=1e-12)


def test_many_points_are_not_moved_for_a_batch(operands):
    """As JAX would have it, the batch is merged with the points, which the answer has to be sorted from."""

    def moved(num_points):
        weight, x = operands[num_points]
        jaxpr = jax.make_jaxpr(jax.vmap(channel_product, (None, 0)))(weight, x)
        return "transpose" in str(jaxpr)

    assert moved(1)
    assert not moved(8)


@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float32, 2e-7), (jnp.float64, 4e-16), (jnp.bfloat16, 8e-3)])
def test_gelu_and_its_slope(dtype, tolerance, x64):
    x = jnp.linspace(-9.0, 9.0, 1001, dtype=dtype)
    places = np.asarray(x, dtype=np.float64)
    slope = stats.norm.cdf(places) + places * stats.norm.pdf(places)
    for derivative in (jax.grad(gelu), jax.jacfwd(gelu)):
        answer = jax.vmap(derivative)(x)
        assert answer.dtype == dtype
        np.testing.assert_allclose(np.asarray(answer, dtype=np.float64), slope, atol=4 * tolerance)
    error = np.asarray(gelu(x), dtype=np.float64) - reference.gelu(places)
    np.testing.assert_array_less(abs(error), tolerance * np.maximum(1.0, abs(places)))
