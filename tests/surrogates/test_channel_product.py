"""The product of a matrix with the channels of a field: values and gradients, alone and in batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import compiled

from fieldcast.surrogates.layers.channel_product import channel_product

pytestmark = pytest.mark.usefixtures("x64")

BATCHES = [(None, None), (None, 0), (0, None), (0, 0)]


def operands(axes):
    random = np.random.default_rng(0)
    shapes = [(3, 4), (4, 5)]
    return tuple(
        jnp.asarray(random.normal(size=shape if axis is None else (2, *shape)))
        for shape, axis in zip(shapes, axes, strict=True)
    )


@pytest.mark.parametrize("axes", BATCHES)
@pytest.mark.parametrize("gradient_first", [True, False])
def test_is_a_matrix_product_with_its_gradients(axes, gradient_first):
    """Gradients of a sum over a batch, and batches of gradients."""

    def answer(product):
        def loss(weight, x):
            return jnp.sum(jnp.sin(product(weight, x)))

        def batched(function):
            return function if axes == (None, None) else jax.vmap(function, axes)

        if gradient_first:
            return compiled(batched(jax.value_and_grad(loss, (0, 1))))(*operands(axes))
        return compiled(jax.value_and_grad(lambda *o: jnp.sum(batched(loss)(*o)), (0, 1)))(*operands(axes))

    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14),
        answer(channel_product),
        answer(jnp.matmul),
    )
