"""How a model is trained: sizes, optimiser, schedule. Frozen, so that a run can record it and be asked for it again."""

import abc
from dataclasses import dataclass

import optax


@dataclass(frozen=True)
class Schedule(abc.ABC):
    """How the learning rate changes."""

    @abc.abstractmethod
    def __call__(self, num_steps: int, peak: float) -> optax.Schedule:
        """The learning rate at every step, of `num_steps`, `peak` at its largest."""


@dataclass(frozen=True)
class WarmupCosine(Schedule):
    """Linearly up from zero, then down to zero along half a cosine.

    **Arguments:** `warmup`: share of the steps that go up.
    """

    warmup: float = 0.05

    def __post_init__(self):
        if not 0.0 <= self.warmup < 1.0:
            raise ValueError(f"The share of the steps that go up lies in [0, 1), got {self.warmup}.")

    def __call__(self, num_steps: int, peak: float) -> optax.Schedule:
        steps_up = max(1, int(self.warmup * num_steps))
        return optax.warmup_cosine_decay_schedule(0.0, peak, warmup_steps=steps_up, decay_steps=max(num_steps, 2))


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Multiplied by `factor` at the end of each of `num_stages` equal stages but the last."""

    num_stages: int = 6
    factor: float = 0.7

    def __call__(self, num_steps: int, peak: float) -> optax.Schedule:
        ends = {round(stage * num_steps / self.num_stages): self.factor for stage in range(1, self.num_stages)}
        return optax.piecewise_constant_schedule(peak, ends)


@dataclass(frozen=True)
class ConstantRate(Schedule):
    """The same at every step."""

    def __call__(self, num_steps: int, peak: float) -> optax.Schedule:
        return optax.constant_schedule(peak)


@dataclass(frozen=True)
class TrainingRecipe:
    """How a model is trained."""

    num_steps: int = 600
    """Optimiser steps."""

    batch_size: int = 2
    """Samples a step."""

    learning_rate: float = 2e-3
    """The largest of the schedule."""

    weight_decay: float = 1e-4
    """Of AdamW."""

    gradient_clip: float = 1.0
    """Largest global norm of the gradient; what is longer is shortened."""

    validate_every: int = 100
    """Steps between validations; the state is saved with each."""

    seed: int = 0
    """Of the weights, the order of the samples, and all randomness of the objective."""

    schedule: WarmupCosine | StepDecay | ConstantRate = WarmupCosine()
    """How the learning rate changes."""

    num_micro_batches: int = 1
    """Parts of a batch whose gradients are added up one after the other: less memory, the same step."""

    averaging: float = 0.0
    """Decay of an exponential moving average of the weights, such as 0.999, which is validated and released in their
    place; 0 for none."""

    def __post_init__(self):
        for name in ("num_steps", "batch_size", "validate_every", "num_micro_batches"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
        if self.batch_size % self.num_micro_batches:
            raise ValueError(
                f"A batch of {self.batch_size} samples cannot be cut into {self.num_micro_batches} equal parts: choose "
                "a divisor."
            )
        if not 0.0 <= self.averaging < 1.0:
            raise ValueError(f"The decay of an average of weights lies in [0, 1), got {self.averaging}.")

    def optimiser(self) -> optax.GradientTransformation:
        """AdamW behind a clip of the gradient's global norm."""
        schedule = self.schedule(self.num_steps, self.learning_rate)
        return optax.chain(
            optax.clip_by_global_norm(self.gradient_clip), optax.adamw(schedule, weight_decay=self.weight_decay)
        )
