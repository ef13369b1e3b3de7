"""From a folder of simulated scenes to a predictor in a run folder."""

import cmath
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import equinox as eqx
import jax
import jax.random as jrandom
import numpy as np
from jaxtyping import PyTree
from tqdm import tqdm

from fieldcast.datasets.scene_file import SceneRecord, read_scene
from fieldcast.simulators.acoustics.free_field import free_field_table
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.surrogates.model_recipe import ModelRecipe
from fieldcast.surrogates.predictor import FieldPredictor, TrainingDomain, error_curve, save_predictor
from fieldcast.surrogates.pressure_model import ModelInput, PressureModel, TrueField, encode
from fieldcast.surrogates.scene_samples import Samples, SceneBatches, scene_objective, validation_error
from fieldcast.surrogates.training import TrainingRecipe, fit
from fieldcast.surrogates.training.claim import claim_run
from fieldcast.surrogates.training.figures import save_learning_curve


def load_records(root: Path, split: str) -> list[SceneRecord]:
    """The scenes of one split (`train`, `valid` or `test`) of a generated dataset.

    **Raises:** `ValueError` when there is none.
    """
    paths = sorted((Path(root) / "data" / split).glob("*.h5"))
    if not paths:
        raise ValueError(f"{root} holds no scenes of the split {split!r}; generate them first (`fieldcast generate`).")
    return [read_scene(path) for path in tqdm(paths, desc=f"read {split}", unit="scene", leave=False)]


def encode_records(records: Sequence[SceneRecord], num_points: int) -> Samples:
    """What a network sees of the scenes, and their fields relative to the reference."""
    inputs = [encode_scene(record.scene, num_points) for record in records]
    truths = [true_field(record, x) for record, x in zip(records, inputs, strict=True)]
    return Samples(_stacked(inputs), _stacked(truths))


def encode_scene(scene: Scene, num_points: int) -> ModelInput:
    """What a network sees of one scene."""
    return encode(scene.head, scene.transducer, free_field_table(scene.transducer, scene.grid), num_points)


def true_field(record: SceneRecord, inputs: ModelInput) -> TrueField:
    """The field of a record in the space in which networks learn."""
    drive = cmath.exp(-1j * float(record.scene.transducer.phase))
    pressure = np.asarray(record.field.pressure) * drive / np.asarray(inputs.reference)
    return TrueField(pressure, np.asarray(record.scene.focus_region))


def _stacked(trees: Sequence[PyTree]) -> PyTree:
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *trees)


def train_predictor(
    records: Sequence[SceneRecord],
    valid: Sequence[SceneRecord],
    run: Path,
    model_recipe: ModelRecipe,
    training: TrainingRecipe,
) -> FieldPredictor:
    """Train a model on `records` and leave the predictor that is best on `valid` in the folder `run`.

    An interrupted training goes on where its last saved state left it.

    **Raises:** what `fit` raises; `ValueError` when the scenes are of different domains, are fewer than a batch, or the
    folder holds a run of another recipe.
    """
    run = Path(run)
    domain = TrainingDomain.of(records[0].scene)
    for record in (*records, *valid):
        domain.require(record.scene)
    claim_run(
        run,
        {
            "model": asdict(model_recipe),
            "training": asdict(training) | {"schedule": repr(training.schedule)},
        },
    )
    train_samples = encode_records(records, model_recipe.num_points)
    valid_samples = encode_records(valid, model_recipe.num_points)

    def predictor(model: PressureModel) -> FieldPredictor:
        return FieldPredictor(model, error_curve(model, valid_samples), domain, model_recipe)

    model = eqx.filter_jit(model_recipe.build)(domain.ndim, key=jrandom.key(training.seed))
    best = fit(
        model,
        scene_objective,
        SceneBatches(train_samples, training.batch_size, training.seed),
        lambda m: {"valid_relative_l2": validation_error(m, valid_samples)},
        training,
        run,
        on_improvement=lambda m: save_predictor(run, predictor(m)),
    )
    save_learning_curve(run)
    return predictor(best)
