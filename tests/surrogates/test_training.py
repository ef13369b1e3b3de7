"""Training: exact resume, progress on a task that can be learned, a stop by name when the loss is lost."""

import dataclasses
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scenes import Blob, small_scene

from fieldcast.datasets.scene_file import SceneRecord
from fieldcast.surrogates.pressure_model import ModelInput, PressureModel
from fieldcast.surrogates.training import DivergedError, TrainingRecipe, fit, validation_error
from fieldcast.surrogates.ultrasound import encode_records

RECIPE = TrainingRecipe(num_steps=8, validate_every=2, batch_size=2, learning_rate=3e-2, weight_decay=0.0)


class Power(PressureModel):
    """The smallest model that has something to learn: a power of the free field and a factor."""

    exponent: jax.Array
    factor: jax.Array

    def __call__(self, inputs: ModelInput):
        return self.factor * (jnp.asarray(inputs.free_field) + 1e-3) ** self.exponent

    def loss(self, inputs: ModelInput, relative_amplitude):
        return jnp.mean((self(inputs) - relative_amplitude) ** 2)


def fresh() -> Power:
    return Power(jnp.asarray(1.0), jnp.asarray(1.0))


@pytest.fixture(scope="module")
def samples():
    """The truth is 0.7 times the square of the free field, so the model can learn it exactly."""
    scenes = [small_scene(index) for index in range(4)]
    encoded = encode_records([SceneRecord(scene, Blob()(scene)) for scene in scenes], num_points=8)
    return dataclasses.replace(encoded, relative_amplitude=0.7 * np.asarray(encoded.inputs.free_field) ** 2)


def test_training_finds_the_truth(samples, tmp_path):
    recipe = dataclasses.replace(RECIPE, num_steps=1500, validate_every=500, learning_rate=1e-1)
    best = fit(fresh(), samples, samples, recipe, tmp_path, lambda model: None)
    np.testing.assert_allclose([best.exponent, best.factor], [2.0, 0.7], rtol=0.02)
    errors = [json.loads(line)["valid_relative_l2"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert len(errors) == 3
    assert min(errors) == pytest.approx(validation_error(best, samples))


def test_resumed_training_ends_with_the_same_weights(samples, tmp_path):
    whole = fit(fresh(), samples, samples, RECIPE, tmp_path / "whole", lambda model: None)
    (tmp_path / "parts").mkdir()

    class Interrupt(Exception):
        pass

    calls = []

    def interrupt(model):
        calls.append(model)
        if len(calls) == 2:
            raise Interrupt

    with pytest.raises(Interrupt):
        fit(fresh(), samples, samples, RECIPE, tmp_path / "parts", interrupt)
    resumed = fit(fresh(), samples, samples, RECIPE, tmp_path / "parts", lambda model: None)
    assert eqx.tree_equal(whole, resumed)
    assert not eqx.tree_equal(whole, fresh())


def test_resuming_with_another_recipe_is_refused(samples, tmp_path):
    fit(fresh(), samples, samples, RECIPE, tmp_path, lambda model: None)
    with pytest.raises(ValueError, match="another recipe"):
        fit(fresh(), samples, samples, dataclasses.replace(RECIPE, seed=1), tmp_path, lambda model: None)


def test_lost_loss_stops_the_run_and_keeps_the_last_good_state(samples, tmp_path):
    fit(fresh(), samples, samples, dataclasses.replace(RECIPE, num_steps=2), tmp_path, lambda model: None)
    saved = (tmp_path / "state.ckpt").read_bytes()
    poisoned = dataclasses.replace(samples, relative_amplitude=np.full_like(samples.relative_amplitude, np.nan))
    with pytest.raises(DivergedError, match="lower the learning rate"):
        fit(fresh(), poisoned, samples, RECIPE, tmp_path / "other", lambda model: None)
    assert not (tmp_path / "other" / "state.ckpt").exists()
    assert (tmp_path / "state.ckpt").read_bytes() == saved


def test_batches_are_symmetric_copies_of_the_scenes(samples):
    """Sums over the grid survive every symmetry, and pairs stay together."""
    rng = np.random.default_rng(0)
    inputs, amplitude = samples.batch(np.asarray([3, 0]), rng)
    for place, index in enumerate((3, 0)):
        assert amplitude[place].sum() == pytest.approx(samples.relative_amplitude[index].sum(), rel=1e-5)
        np.testing.assert_allclose(amplitude[place], 0.7 * inputs.free_field[place] ** 2, rtol=1e-5)
    assert not np.array_equal(amplitude[0], samples.relative_amplitude[3])


def test_a_run_repeats_itself(samples, tmp_path):
    first, second = (fit(fresh(), samples, samples, RECIPE, tmp_path / n, lambda m: None) for n in ("a", "b"))
    assert eqx.tree_equal(first, second)
