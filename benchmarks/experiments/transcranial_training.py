"""Training and judging one contender of the transcranial experiment; a module of its own, so that processes find it."""

import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jrandom
from transcranial_models import VARIANTS, NetworkSize

from fieldcast.datasets.scene_file import SceneRecord
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.focus import find_focus
from fieldcast.simulators.acoustics.solver import FieldSolver
from fieldcast.surrogates import metrics
from fieldcast.surrogates.evaluation import field_errors
from fieldcast.surrogates.model_recipe import ModelRecipe
from fieldcast.surrogates.predictor import FieldPredictor, TrainingDomain
from fieldcast.surrogates.scene_samples import Samples, SceneBatches, scene_objective, validation_error
from fieldcast.surrogates.training import TrainingRecipe, fit
from fieldcast.surrogates.ultrasound import encode_records, load_records

NUM_POINTS = 128
"""That stand for the transducer's surface."""


@dataclass(frozen=True)
class Task:
    """One contender, to be trained from one seed."""

    variant: str
    seed: int
    network: NetworkSize
    training: TrainingRecipe
    data: Path
    runs: Path


@dataclass(frozen=True)
class Outcome:
    """A trained contender: its parameters, seconds of training, and errors by scene of the test split."""

    variant: str
    seed: int
    parameters: int
    seconds: float
    errors: list[dict[str, float]]


def train_and_judge(task: Task) -> Outcome:
    """Train a contender, unless its run is complete, and compare it with the truth on skulls never seen."""
    predictor, seconds = trained(task)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(predictor.model, eqx.is_inexact_array)))
    errors = [scene_errors(predictor, record) for record in records(task.data, "test")]
    return Outcome(task.variant, task.seed, parameters, seconds, errors)


def trained(task: Task) -> tuple[FieldPredictor, float]:
    """The contender as a solver, and the seconds that its training took."""
    training = replace(task.training, seed=task.seed)
    valid = _samples(task.data, "valid")
    build = eqx.filter_jit(lambda key: VARIANTS[task.variant].build(task.network, key))
    folder = task.runs / f"{task.variant.replace(',', '').replace(' ', '-')}-{task.seed}"
    model = fit(
        build(jrandom.key(task.seed)),
        scene_objective,
        SceneBatches(_samples(task.data, "train"), training.batch_size, training.seed),
        lambda model: {"valid_relative_l2": validation_error(model, valid)},
        training,
        folder,
    )
    domain = TrainingDomain.of(records(task.data, "test")[0].scene)
    seconds = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])["seconds"]
    # No estimate of the error is asked for here.
    return FieldPredictor(model, jnp.zeros(2), domain, ModelRecipe(num_points=NUM_POINTS)), seconds


def scene_errors(solver: FieldSolver, record: SceneRecord) -> dict[str, float]:
    """All errors of a solver's field of a recorded scene; those of `FieldErrors`, and of the highest point anywhere."""
    field = solver(record.scene)
    # A solver that was not told about the head (the free field) is judged in the same region.
    field = PressureField(field.pressure, field.grid, field.frequency, record.field.region)
    anywhere = [find_focus(f.amplitude, record.scene.grid) for f in (field, record.field)]
    return asdict(field_errors(field, record.field)) | {
        "focal_error_grid": metrics.focal_position_error(*anywhere),
    }


@lru_cache(maxsize=3)
def records(data: Path, split: str) -> list[SceneRecord]:
    """The scenes of a split."""
    return load_records(data, split)


@lru_cache(maxsize=2)
def _samples(data: Path, split: str) -> Samples:
    return encode_records(records(data, split), NUM_POINTS)
