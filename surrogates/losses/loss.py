"""What every loss is, and how several become one."""

import abc
import math
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float


class Loss(abc.ABC):
    """What training makes small: `loss(prediction, target)`, for one sample, both channel first.

    Losses are frozen dataclasses of numbers, so that recipes can hold, compare and store them. Batches are averaged
    outside, over `jax.vmap(loss)`.
    """

    @abc.abstractmethod
    def __call__(
        self, prediction: Float[Array, "channel *space"], target: Float[Array, "channel *space"]
    ) -> Float[Array, ""]:
        """How far the prediction is from the target; zero where they are equal."""


@dataclass(frozen=True)
class SumOfLosses(Loss):
    """`sum_i weight_i loss_i`

    **Arguments:** `losses`, and `weights`, one each.
    """

    losses: tuple[Loss, ...]
    weights: tuple[float, ...]

    def __post_init__(self):
        if not self.losses or len(self.losses) != len(self.weights):
            raise ValueError(
                f"A sum needs a weight for each of its losses, and at least one loss; got {len(self.losses)} losses "
                f"and {len(self.weights)} weights."
            )
        if not all(0 <= weight < math.inf for weight in self.weights):
            raise ValueError(f"The weights of losses must be finite and at least zero, got {self.weights}.")

    def __call__(
        self, prediction: Float[Array, "channel *space"], target: Float[Array, "channel *space"]
    ) -> Float[Array, ""]:
        pairs = zip(self.losses, self.weights, strict=True)
        return jnp.sum(jnp.stack([weight * loss(prediction, target) for loss, weight in pairs]))
