"""Training a pressure model: jit-compiled steps, validation, the best weights kept, resume to the bit."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from tqdm import tqdm

from fieldcast.datasets.symmetry import random_symmetry
from fieldcast.surrogates.checkpoint import load_checkpoint, save_checkpoint
from fieldcast.surrogates.pressure_model import ModelInput, PressureModel

_STATE = "fieldcast.TrainingState"


@dataclass(frozen=True)
class TrainingRecipe:
    """How a model is trained.

    - `num_steps`: optimiser steps.
    - `batch_size`: scenes a step.
    - `learning_rate`: peak of a cosine schedule with a short linear start.
    - `weight_decay`, `gradient_clip`: of AdamW and of the gradient's global norm.
    - `validate_every`: steps between validations; the state is saved with each.
    - `seed`: of the order of the scenes and their random symmetries.
    """

    num_steps: int = 600
    batch_size: int = 2
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    gradient_clip: float = 1.0
    validate_every: int = 100
    seed: int = 0


@dataclass(frozen=True)
class Samples:
    """Encoded scenes and their true amplitudes, relative to each scene's reference; the first axis counts scenes."""

    inputs: ModelInput
    relative_amplitude: np.ndarray

    def __len__(self) -> int:
        return len(self.relative_amplitude)

    def __getitem__(self, index: int) -> tuple[ModelInput, np.ndarray]:
        return jax.tree.map(lambda leaf: np.asarray(leaf[index]), self.inputs), self.relative_amplitude[index]

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> tuple[ModelInput, np.ndarray]:
        """Some of the scenes, each under a random symmetry of the grid."""
        chosen = [_transform(*self[int(index)], rng) for index in indices]
        inputs, amplitudes = zip(*chosen, strict=True)
        return jax.tree.map(lambda *leaves: np.stack(leaves), *inputs), np.stack(amplitudes)


class TrainingState(eqx.Module):
    """All that a resumed training needs."""

    model: PressureModel
    optimiser: optax.OptState
    best_model: PressureModel


class DivergedError(RuntimeError):
    """The loss is no longer a finite number."""


def fit(
    model: PressureModel,
    train: Samples,
    valid: Samples,
    recipe: TrainingRecipe,
    folder: Path,
    on_improvement: Callable[[PressureModel], None],
) -> PressureModel:
    """Train `model`, calling `on_improvement` whenever the error on the validation scenes falls.

    Metrics go to `folder/metrics.jsonl`, the state to `folder/state.ckpt`; when that exists, training goes on from it
    and ends with the same weights as an undisturbed run.

    **Raises:** `DivergedError` when the loss is not finite; the last good state stays on disk.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = _optimiser(recipe)
    state = TrainingState(model, optimiser.init(eqx.filter(model, eqx.is_inexact_array)), model)
    progress: dict[str, Any] = {"step": 0, "best_error": float("inf")}
    path = folder / "state.ckpt"
    if path.exists():
        progress, state = load_checkpoint(path, _STATE, lambda header: _matching(header, recipe, state, path))
    bar = tqdm(total=recipe.num_steps, initial=progress["step"], desc=f"train {folder.name}", unit="step")
    with bar, (folder / "metrics.jsonl").open("a") as log:
        for first in range(progress["step"], recipe.num_steps, recipe.validate_every):
            steps = range(first, min(first + recipe.validate_every, recipe.num_steps))
            state, loss = _run_steps(state, train, steps, recipe, optimiser, bar)
            error = validation_error(state.model, valid)
            if error < progress["best_error"]:
                progress["best_error"] = error
                state = eqx.tree_at(lambda s: s.best_model, state, state.model)
                on_improvement(state.model)
            bar.set_postfix(loss=f"{loss:.4f}", valid=f"{error:.3f}", best=f"{progress['best_error']:.3f}")
            log.write(json.dumps({"step": steps[-1] + 1, "loss": loss, "valid_relative_l2": error}) + "\n")
            log.flush()
            header = {"kind": _STATE, "step": steps[-1] + 1, "best_error": progress["best_error"]}
            save_checkpoint(path, header | {"recipe": asdict(recipe)}, state)
    return state.best_model


def _matching(header: dict[str, Any], recipe: TrainingRecipe, state: TrainingState, path: Path) -> TrainingState:
    """The structure of the saved state, if it was trained by the same recipe."""
    if header["recipe"] != asdict(recipe):
        raise ValueError(
            f"{path} was trained by another recipe ({header['recipe']}) than asked for ({asdict(recipe)}); choose "
            "another run folder, or delete this one."
        )
    return state


def validation_error(model: PressureModel, samples: Samples) -> float:
    """Mean relative L2 error of the amplitude over the scenes."""
    predict = eqx.filter_jit(lambda m, x: m(x))
    errors = []
    for index in range(len(samples)):
        inputs, truth = samples[index]
        errors.append(np.linalg.norm(np.asarray(predict(model, inputs)) - truth) / np.linalg.norm(truth))
    return float(np.mean(errors))


def _optimiser(recipe: TrainingRecipe) -> optax.GradientTransformation:
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, recipe.learning_rate, warmup_steps=max(1, recipe.num_steps // 20), decay_steps=recipe.num_steps
    )
    return optax.chain(
        optax.clip_by_global_norm(recipe.gradient_clip), optax.adamw(schedule, weight_decay=recipe.weight_decay)
    )


def _run_steps(
    state: TrainingState,
    train: Samples,
    steps: range,
    recipe: TrainingRecipe,
    optimiser: optax.GradientTransformation,
    bar: tqdm,
) -> tuple[TrainingState, float]:
    """Take `steps`; the batch of a step depends on the seed and the step alone, which makes resuming exact."""
    losses = []
    for step in steps:
        rng = np.random.default_rng([recipe.seed, step])
        indices = rng.choice(len(train), recipe.batch_size, replace=False)
        inputs, amplitude = train.batch(indices, rng)
        state, loss = _step(state, inputs, amplitude, optimiser)
        losses.append(float(loss))
        if not np.isfinite(losses[-1]):
            raise DivergedError(f"The loss became {losses[-1]} at step {step}; lower the learning rate.")
        bar.update()
    return state, float(np.mean(losses))


@eqx.filter_jit
def _step(state: TrainingState, inputs: ModelInput, amplitude, optimiser: optax.GradientTransformation):
    def mean_loss(model: PressureModel):
        return jnp.mean(jax.vmap(model.loss)(inputs, amplitude))

    loss, gradient = eqx.filter_value_and_grad(mean_loss)(state.model)
    # optax raises Python floats to integer powers, which strict promotion would refuse.
    with jax.numpy_dtype_promotion("standard"):
        parameters = eqx.filter(state.model, eqx.is_inexact_array)
        updates, optimiser_state = optimiser.update(gradient, state.optimiser, parameters)
    model = eqx.apply_updates(state.model, updates)
    return TrainingState(model, optimiser_state, state.best_model), loss


def _transform(inputs: ModelInput, amplitude: np.ndarray, rng: np.random.Generator) -> tuple[ModelInput, np.ndarray]:
    symmetry = random_symmetry(rng, amplitude.shape)
    transformed = ModelInput(
        hounsfield=symmetry.field(inputs.hounsfield),
        free_field=symmetry.field(inputs.free_field),
        points=symmetry.points(inputs.points),
        reference=inputs.reference,
    )
    return transformed, symmetry.field(amplitude)
