"""Scenes as a network sees them, in batches under random symmetries."""

from collections.abc import Iterator
from dataclasses import dataclass

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.datasets.symmetry import random_symmetry
from fieldcast.surrogates.pressure_model import ModelInput, PressureModel, TrueField

SceneBatch = tuple[ModelInput, TrueField]
"""What a network sees, and what it should say."""


@dataclass(frozen=True)
class Samples:
    """Encoded scenes and their true fields, relative to each scene's reference; the first axis counts scenes."""

    inputs: ModelInput
    truth: TrueField

    def __len__(self) -> int:
        return len(self.truth.pressure)

    def __getitem__(self, index: int) -> SceneBatch:
        return jax.tree.map(lambda leaf: np.asarray(leaf[index]), (self.inputs, self.truth))

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> SceneBatch:
        """Some of the scenes, each under a random symmetry of the grid."""
        chosen = [_transform(*self[int(index)], rng) for index in indices]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *chosen)


@dataclass(frozen=True)
class SceneBatches:
    """Random scenes for every step, drawn anew from the seed and the number of the step alone."""

    samples: Samples
    batch_size: int
    seed: int

    def __post_init__(self):
        if self.batch_size > len(self.samples):
            raise ValueError(f"A batch of {self.batch_size} scenes cannot be drawn from {len(self.samples)}.")

    def from_step(self, step: int) -> Iterator[SceneBatch]:
        while True:
            rng = np.random.default_rng([self.seed, step])
            yield self.samples.batch(rng.choice(len(self.samples), self.batch_size, replace=False), rng)
            step += 1


def scene_objective(model: PressureModel, sample: SceneBatch, key: PRNGKeyArray) -> Float[Array, ""]:
    """The model's own loss."""
    return model.loss(*sample)


def validation_error(model: PressureModel, samples: Samples) -> float:
    """Mean relative L2 error of the amplitude over the scenes."""
    errors = []
    for index in range(len(samples)):
        inputs, truth = samples[index]
        amplitude = np.abs(truth.pressure)
        errors.append(np.linalg.norm(np.asarray(predict(model, inputs)) - amplitude) / np.linalg.norm(amplitude))
    return float(np.mean(errors))


@eqx.filter_jit
def predict(model: PressureModel, inputs: ModelInput) -> Float[Array, "*space"]:
    """The model's answer; of the module, so that it is compiled once and not with every validation."""
    return model(inputs)


def _transform(inputs: ModelInput, truth: TrueField, rng: np.random.Generator) -> SceneBatch:
    symmetry = random_symmetry(rng, truth.pressure.shape)
    transformed = ModelInput(
        hounsfield=symmetry.field(inputs.hounsfield),
        free_field=symmetry.field(inputs.free_field),
        points=symmetry.points(inputs.points),
        reference=inputs.reference,
    )
    return transformed, jax.tree.map(symmetry.field, truth)
