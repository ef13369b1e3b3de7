"""Attention between the points of a domain, with sums that are integrals."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def softmax_attention(
    queries: Float[Array, "head query feature"],
    keys: Float[Array, "head point feature"],
    values: Float[Array, "head point value"],
    weights: Float[Array, " point"],
) -> Float[Array, "head query value"]:
    """The mean of the values over the domain, with a density that falls with the distance of query and key.

    `y(q) = int exp(q . k(x)) v(x) dx / int exp(q . k(x)) dx`

    The weights stand in the numerator and the denominator, so that points which lie dense do not count more.

    **Arguments:**

    - `queries`, `keys`: scaled as wanted, such as by `feature^(-1/4)` each.
    - `values`.
    - `weights`: what share of the domain each point stands for, positive.

    Berner et al. 2025, arXiv:2506.10973.
    """
    scores = jnp.einsum("hqf,hpf->hqp", queries, keys) + jnp.log(weights)[None, None]
    return jnp.einsum("hqp,hpv->hqv", jax.nn.softmax(scores, axis=-1), values)


def linear_attention(
    queries: Float[Array, "head query feature"],
    keys: Float[Array, "head point feature"],
    values: Float[Array, "head point value"],
    weights: Float[Array, " point"],
) -> Float[Array, "head query value"]:
    """The integral of the values with a separable kernel, at a cost in proportion to the number of points.

    `y(q) = q . int k(x) v(x)^T dx`

    **Arguments:** as of `softmax_attention`.

    Cao 2021, arXiv:2105.14995 (Galerkin attention).
    """
    return queries @ jnp.einsum("hpf,p,hpv->hfv", keys, weights, values)
