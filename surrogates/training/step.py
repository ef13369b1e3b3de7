"""One step of training, compiled."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jrandom
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from fieldcast.surrogates.training.placement import Placement
from fieldcast.surrogates.training.recipe import TrainingRecipe

Objective = Callable[[PyTree, PyTree, PRNGKeyArray], Float[Array, ""]]
"""`objective(model, sample, key)`: what is to become small, for one sample."""


class TrainingState(eqx.Module):
    """All arrays that a resumed training needs.

    - `model`: with the weights of the last step.
    - `optimiser`: state of the optimiser.
    - `average`: moving average of the weights, or `None`.
    """

    model: PyTree
    optimiser: optax.OptState
    average: PyTree | None

    @classmethod
    def start(cls, model: PyTree, recipe: TrainingRecipe) -> "TrainingState":
        """Before the first step."""
        weights = eqx.filter(model, eqx.is_inexact_array)
        return cls(model, recipe.optimiser().init(weights), weights if recipe.averaging else None)

    @property
    def released(self) -> PyTree:
        """The model that is validated and saved: with the averaged weights, where there are."""
        return self.model if self.average is None else eqx.combine(self.average, self.model)


class Setting(NamedTuple):
    """What stays the same from step to step."""

    objective: Objective
    recipe: TrainingRecipe
    placement: Placement


@eqx.filter_jit(donate="all-except-first")
def training_step(given: tuple[Setting, PyTree, Array], state: TrainingState) -> tuple[TrainingState, Float[Array, ""]]:
    """The state after one step, and the mean loss of the batch before it.

    Randomness follows from the recipe's seed and the number of the step alone.

    **Arguments:** `given`: the setting, the batch and the number of the step; `state`, whose memory is used again.
    """
    (objective, recipe, placement), batch, step = given
    number = len(jax.tree.leaves(batch)[0])
    keys = jrandom.split(jrandom.fold_in(jrandom.key(recipe.seed), step), number)
    loss, gradient = _gradient(objective, state.model, (batch, keys), recipe.num_micro_batches)
    weights = eqx.filter(state.model, eqx.is_inexact_array)
    # optax raises Python floats to integer powers, which strict promotion would refuse.
    with jax.numpy_dtype_promotion("standard"):
        updates, optimiser = recipe.optimiser().update(gradient, state.optimiser, weights)
    model = eqx.apply_updates(state.model, updates)
    average = None if state.average is None else _averaged(state.average, model, recipe.averaging, step)
    return placement.place(TrainingState(model, optimiser, average)), loss


def _gradient(objective: Objective, model: PyTree, samples: PyTree, num_parts: int) -> tuple[Float[Array, ""], PyTree]:
    """Mean loss and its gradient, part after part of the samples."""

    @eqx.filter_value_and_grad
    def mean_loss(model: PyTree, part: PyTree) -> Float[Array, ""]:
        return jnp.mean(jax.vmap(lambda sample, key: objective(model, sample, key))(*part))

    if num_parts == 1:
        return mean_loss(model, samples)

    # Every part takes its samples from all devices: the first axis of a batch is cut into the devices' blocks.
    parts = jax.tree.map(lambda leaf: leaf.reshape(-1, num_parts, *leaf.shape[1:]).swapaxes(0, 1), samples)

    def add(total: PyTree, part: PyTree) -> tuple[PyTree, None]:
        return jax.tree.map(jnp.add, total, mean_loss(model, part)), None

    zero = jax.tree.map(jnp.zeros_like, (jnp.zeros(()), eqx.filter(model, eqx.is_inexact_array)))
    total, _ = jax.lax.scan(add, zero, parts)
    return jax.tree.map(lambda leaf: leaf / num_parts, total)


def _averaged(average: PyTree, model: PyTree, decay: float, step: Array) -> PyTree:
    """The average with the newest weights; at first over few steps, so that the start is forgotten."""
    number = step.astype(float)
    decay = jnp.minimum(decay, (1.0 + number) / (10.0 + number))
    return jax.tree.map(
        lambda mean, new: mean + (1.0 - decay).astype(mean.dtype) * (new - mean),
        average,
        eqx.filter(model, eqx.is_inexact_array),
    )
