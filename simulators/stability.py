"""When a rollout has left the flow it began with."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

Watch = Callable[[PyTree], Bool[Array, ""]]
"""From the fields of a step to whether they are healthy."""


def all_finite(fields: PyTree) -> Bool[Array, ""]:
    """Whether every number is finite."""
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(fields)]))


class BoundedVariance(eqx.Module):
    """Fields are healthy while they are finite and no channel is much further from its mean than it used to be.

        <(f_c - mean_c)^2> <= multiple * variance_c   for every channel c,   <.> over space

    Channels are watched one by one: what blows up in the wall-normal velocity is lost in the energy of the mean flow.

    **Arguments:** `mean` and `variance` of every channel, best made by `BoundedVariance.around`; `multiple`: how much
    more is too much. Ten times the variance is three times the deviation, which no snapshot of a stationary flow has.
    """

    mean: Float[Array, " channel"]
    variance: Float[Array, " channel"]
    multiple: float = eqx.field(static=True, default=10.0)

    @classmethod
    def around(
        cls, reference: Float[Array | np.ndarray, "time channel *space"], multiple: float = 10.0
    ) -> "BoundedVariance":
        """The watch of a flow that these snapshots are of.

        **Raises:** `ValueError` when a channel of the reference is constant, for then anything is too much.
        """
        axes = (0, *range(2, reference.ndim))
        mean, variance = np.mean(reference, axis=axes), np.var(reference, axis=axes)
        if not np.all(variance > 0):
            raise ValueError(f"Every channel of the reference must vary; the variances are {variance}.")
        return cls(jnp.asarray(mean), jnp.asarray(variance), multiple)

    def __call__(self, fields: Float[Array, "channel *space"]) -> Bool[Array, ""]:
        axes = tuple(range(1, fields.ndim))
        mean = jnp.expand_dims(self.mean.astype(fields.dtype), axes)
        variance = jnp.mean((fields - mean) ** 2, axis=axes)
        return jnp.all(variance <= self.multiple * self.variance.astype(fields.dtype))  # false of NaN
