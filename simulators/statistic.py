"""Running statistics: what is kept of a rollout instead of the rollout."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree


class Statistic(eqx.Module):
    """What is known of a set of fields, without the fields.

        statistic(A + {f}) = statistic(A).update(f),   statistic(A + B) = statistic(A).merge(statistic(B))

    A statistic is a pytree of arrays: it is carried through `lax.scan` (`accumulate` does so), one a member is made by
    `jax.vmap`, and `merged` makes one of these. Parts of a long run on several machines are merged alike.
    """

    @abc.abstractmethod
    def update(self, fields: Any) -> "Statistic":
        """The statistic with one more set of fields."""

    @abc.abstractmethod
    def merge(self, other: "Statistic") -> "Statistic":
        """The statistic of everything that went into this one or into `other`."""


def merged(statistics: Statistic) -> Statistic:
    """One statistic of all those stacked along the first axis of every leaf, as `jax.vmap` gives them."""
    first = jax.tree.map(lambda leaf: leaf[0], statistics)
    rest = jax.tree.map(lambda leaf: leaf[1:], statistics)
    return jax.lax.scan(lambda whole, part: (whole.merge(part), None), first, rest)[0]


class RunningMean(Statistic):
    """The mean of anything that can be computed of fields: a spectrum, a histogram, an energy.

        mean_n = mean_{n-1} + (reduction(f_n) - mean_{n-1}) / n

    **Arguments:**

    - `reduction`: function of the fields, whose values are arrays or a pytree of arrays. It is part of the program, so
      pass the same object to all statistics that are to be merged.
    - `count`: number of sets of fields so far. `mean`: their mean. `RunningMean.empty` makes both.
    """

    reduction: Callable[[Any], PyTree] = eqx.field(static=True)
    count: Float[Array, "..."]
    mean: PyTree

    @classmethod
    def empty(cls, reduction: Callable[[Any], PyTree], fields: PyTree) -> "RunningMean":
        """The mean of nothing yet, for `fields` of this shape (arrays, or their `jax.ShapeDtypeStruct`)."""
        shapes = jax.eval_shape(reduction, fields)
        mean = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
        return cls(reduction, jnp.zeros(()), mean)

    def update(self, fields: Any) -> "RunningMean":
        return self.merge(RunningMean(self.reduction, jnp.ones_like(self.count), self.reduction(fields)))

    def merge(self, other: "RunningMean") -> "RunningMean":
        count, share = merged_count(self.count, other.count)
        mean = jax.tree.map(lambda a, b: a + share.astype(a.dtype) * (b - a), self.mean, other.mean)
        return RunningMean(self.reduction, count, mean)


def merged_count(first: Float[Array, "..."], second: Float[Array, "..."]) -> tuple[Array, Array]:
    """The sum of two counts and the second one's share of it, which is zero where both are."""
    count = first + second
    return count, second / jnp.maximum(count, 1.0)
