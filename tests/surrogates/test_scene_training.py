"""Training on scenes: what a batch is, and progress on a task that can be learned exactly."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scenes import Blob, small_scene

from fieldcast.datasets.scene_file import SceneRecord
from fieldcast.surrogates.pressure_model import ModelInput, PressureModel, TrueField
from fieldcast.surrogates.scene_samples import SceneBatches, scene_objective, validation_error
from fieldcast.surrogates.training import TrainingRecipe, fit, read_metrics
from fieldcast.surrogates.ultrasound import encode_records


class Power(PressureModel):
    """The smallest model that has something to learn: a power of the free field and a factor."""

    exponent: jax.Array
    factor: jax.Array

    def __call__(self, inputs: ModelInput):
        return self.factor * (jnp.abs(inputs.free_field) + 1e-3) ** self.exponent

    def loss(self, inputs: ModelInput, truth: TrueField):
        return jnp.mean((self(inputs) - jnp.abs(truth.pressure)) ** 2)


@pytest.fixture(scope="module")
def samples():
    """The truth is 0.7 times the square of the free field, so the model can learn it exactly."""
    scenes = [small_scene(index) for index in range(4)]
    encoded = encode_records([SceneRecord(scene, Blob()(scene)) for scene in scenes], num_points=8)
    return dataclasses.replace(encoded, truth=TrueField(0.7 * encoded.inputs.free_field**2, encoded.truth.region))


def test_training_finds_the_truth(samples, tmp_path):
    recipe = TrainingRecipe(num_steps=600, validate_every=200, learning_rate=1e-1, weight_decay=0.0)
    best = fit(
        Power(jnp.asarray(1.0), jnp.asarray(1.0)),
        scene_objective,
        SceneBatches(samples, 2, seed=0),
        lambda model: {"error": validation_error(model, samples)},
        recipe,
        tmp_path,
    )
    np.testing.assert_allclose([best.exponent, best.factor], [2.0, 0.7], rtol=0.02)
    errors = [line["error"] for line in read_metrics(tmp_path)]
    assert min(errors) == pytest.approx(validation_error(best, samples))


def test_batches_are_symmetric_copies_of_the_scenes(samples):
    """Sums over the grid survive every symmetry, and pairs stay together."""
    rng = np.random.default_rng(0)
    inputs, truth = samples.batch(np.asarray([3, 0]), rng)
    for place, index in enumerate((3, 0)):
        original = samples.truth.pressure[index]
        assert np.abs(truth.pressure[place]).sum() == pytest.approx(np.abs(original).sum(), rel=1e-5)
        np.testing.assert_allclose(truth.pressure[place], 0.7 * inputs.free_field[place] ** 2, rtol=1e-5)
        assert truth.region[place].sum() == samples.truth.region[index].sum()
        inside = np.abs(truth.pressure[place])[truth.region[place]].sum()
        assert inside == pytest.approx(np.abs(original)[samples.truth.region[index]].sum(), rel=1e-5)
    assert not np.array_equal(truth.pressure[0], samples.truth.pressure[3])


def test_truth_is_relative_to_the_drive():
    """Another phase of the drive changes neither what a model sees nor what it should say."""
    scene = small_scene(0)
    late = eqx.tree_at(lambda s: s.transducer.phase, scene, jnp.asarray(0.7))
    field = Blob()(scene)
    delayed = dataclasses.replace(field, pressure=field.pressure * np.exp(0.7j).astype(np.complex64))
    one, other = (encode_records([SceneRecord(s, f)], num_points=8) for s, f in ((scene, field), (late, delayed)))
    np.testing.assert_allclose(other.inputs.free_field, one.inputs.free_field, atol=1e-6)
    np.testing.assert_allclose(other.truth.pressure, one.truth.pressure, atol=1e-6)
    reference = np.asarray(one.inputs.reference)
    np.testing.assert_allclose(one.truth.pressure * reference, np.asarray(field.pressure)[None], rtol=1e-5, atol=1e-2)


def test_batches_follow_from_the_step(samples):
    batches = SceneBatches(samples, 2, seed=3)
    stream = batches.from_step(0)
    first, second, third = (next(stream)[1].pressure for _ in range(3))
    np.testing.assert_array_equal(next(batches.from_step(2))[1].pressure, third)
    assert not np.array_equal(first, second)
