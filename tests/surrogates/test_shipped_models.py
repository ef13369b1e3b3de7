"""The small trained models of the documentation: each loads in one line and predicts better than nothing does."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from compiled import hasty_compiler

from fieldcast.datasets.trajectory_file import read_trajectory
from fieldcast.simulators.acoustics.free_field import FreeField
from fieldcast.simulators.rollout import rollout
from fieldcast.surrogates.evaluation import evaluate
from fieldcast.surrogates.learned_stepper import load_stepper
from fieldcast.surrogates.predictor import load_predictor
from fieldcast.surrogates.ultrasound import load_records

MODELS = Path(__file__).parents[2] / "docs" / "models"
RUNS = sorted(path.parent for path in MODELS.rglob("stepper.ckpt"))


def test_they_are_small_and_of_several_kinds():
    assert sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file()) < 15e6
    kinds = {load_stepper(run).recipe.operator.__class__.__name__ for run in RUNS}
    assert len(kinds) >= 6


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.parent.name}-{run.name}")
def test_a_model_of_the_documentation_beats_persistence_over_three_steps(run):
    step = load_stepper(run)
    frames = jnp.asarray(read_trajectory(run.parent / "data" / "test" / "trajectory_00000.h5").fields)
    with hasty_compiler():
        predicted = np.asarray(rollout(step, 3)(step.start(frames[: step.history]))[1])
    truth, last = np.asarray(frames[step.history :][:3]), np.asarray(frames[step.history - 1])
    assert np.linalg.norm(predicted - truth) < 0.9 * np.linalg.norm(last[None] - truth)


def test_the_predictor_of_the_documentation_beats_the_free_field():
    records = load_records(MODELS / "skull", "test")
    with hasty_compiler():
        (learned,), (free,) = (evaluate(solver, records) for solver in (load_predictor(MODELS / "skull"), FreeField()))
    assert learned.relative_l2 < 0.85 * free.relative_l2
