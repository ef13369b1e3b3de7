"""A matrix times the channels of a field, in the form that is fast for batches."""

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Float


@jax.custom_vjp
def channel_product(
    weight: Float[Array, "out_channel in_channel"], x: Float[Array, "in_channel point"]
) -> Float[Array, "out_channel point"]:
    """`y[o, n] = sum_i weight[o, i] x[i, n]`

    Differentiable in reverse mode only. A batch (by `vmap`) becomes one matrix product a sample, in both directions:
    merged into one product over all samples, as JAX would have it, the batch has to be moved in memory before and
    after, which on a CPU takes several times longer than the product itself.
    """
    return _product(weight, x)


def _forward(weight: Array, x: Array) -> tuple[Array, tuple[Array, Array]]:
    return _product(weight, x), (weight, x)


def _backward(residuals: tuple[Array, Array], cotangent: Array) -> tuple[Array, Array]:
    weight, x = residuals
    return cotangent @ x.T, _product(weight.T, cotangent)


channel_product.defvjp(_forward, _backward)


@custom_vmap
def _product(weight: Array, x: Array) -> Array:
    return weight @ x


@_product.def_vmap
def _batched_product(size: int, batched: list[bool], weight: Array, x: Array) -> tuple[Array, bool]:
    weight, x = (
        array if is_batched else jnp.broadcast_to(array, (size, *array.shape))
        for array, is_batched in zip((weight, x), batched, strict=True)
    )
    return weight @ x, True
