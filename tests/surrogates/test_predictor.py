"""A trained surrogate as a field solver: exact reload, linearity, gradients, refusals, calibrated error."""

import dataclasses
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import hasty_compiler
from scenes import SMALL_BOWL, Blob, relative_l2, small_scene

from fieldcast.datasets.scene_file import SceneRecord
from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.scene import Scene, scene_from_head
from fieldcast.simulators.acoustics.tissue import MarsacMueller
from fieldcast.simulators.grid import Grid
from fieldcast.surrogates.checkpoint import CheckpointError, save_checkpoint
from fieldcast.surrogates.model_recipe import ModelRecipe
from fieldcast.surrogates.predictor import FieldPredictor, error_curve, load_predictor
from fieldcast.surrogates.pressure_model import ModelInput, PressureModel, TrueField
from fieldcast.surrogates.scene_samples import Samples
from fieldcast.surrogates.training import TrainingRecipe
from fieldcast.surrogates.ultrasound import train_predictor

TINY = ModelRecipe(base_width=4, num_levels=2, patch_size=2, num_points=16)
BRIEF = TrainingRecipe(num_steps=4, validate_every=2)


def records(indices) -> list[SceneRecord]:
    scenes = [small_scene(index) for index in indices]
    return [SceneRecord(scene, Blob()(scene)) for scene in scenes]


@pytest.fixture(scope="module", params=[False, True], ids=["published", "physics"])
def trained(request, tmp_path_factory) -> tuple[FieldPredictor, str]:
    folder = tmp_path_factory.mktemp("run")
    recipe = dataclasses.replace(TINY, free_field=request.param)
    with hasty_compiler():
        return train_predictor(records([2, 5]), records([1]), folder, recipe, BRIEF), folder


def test_reloaded_predictor_gives_the_same_field(trained):
    predictor, folder = trained
    scene = small_scene(0)
    with hasty_compiler():
        field, reloaded = predictor(scene), load_predictor(folder)(scene)
    np.testing.assert_array_equal(field.amplitude, reloaded.amplitude)
    np.testing.assert_array_equal(field.error_estimate, reloaded.error_estimate)
    assert not np.allclose(field.amplitude, 0.0)
    np.testing.assert_array_equal(field.region, scene.focus_region)


def test_field_is_linear_in_the_surface_pressure(trained):
    predictor, _ = trained
    scene = small_scene(0)
    doubled = eqx.tree_at(lambda s: s.transducer.surface_pressure, scene, 2 * scene.transducer.surface_pressure)
    np.testing.assert_allclose(predictor(doubled).amplitude, 2 * predictor(scene).amplitude, rtol=1e-5)


def test_answer_does_not_depend_on_where_the_world_begins(trained):
    predictor, _ = trained
    scene = small_scene(0)
    shift = np.asarray([0.25, -0.5, 0.125])
    grid = Grid(scene.grid.shape, scene.grid.spacing, tuple(np.add(scene.grid.origin, shift)))
    moved = eqx.tree_at(lambda t: t.position, scene.transducer, scene.transducer.position + jnp.asarray(shift))
    there = predictor(scene_from_head(Head(scene.head.hounsfield, grid), moved))
    # Single precision at half a metre from the origin leaves micrometres.
    assert relative_l2(there.amplitude, predictor(scene).amplitude) < 1e-3
    np.testing.assert_allclose(np.subtract(there.focus.position, predictor(scene).focus.position), shift, atol=1e-6)


def test_gradient_in_position_and_axis_is_the_finite_difference(trained, x64):
    predictor, _ = trained
    scene, predictor = jax.tree.map(
        lambda x: jnp.asarray(x, dtype=float) if eqx.is_inexact_array(x) else x, (small_scene(0), predictor)
    )
    target = np.asarray(scene.transducer.geometric_focus) + 1.3e-3

    def pressure(position, axis):
        transducer = eqx.tree_at(lambda t: (t.position, t.axis), scene.transducer, (position, axis))
        return predictor(eqx.tree_at(lambda s: s.transducer, scene, transducer)).amplitude_at(target)

    position, axis = scene.transducer.position, scene.transducer.axis
    direction = jnp.asarray([0.3, -0.5, 0.8])
    gradients = jax.grad(pressure, (0, 1))(position, axis)
    for which, (gradient, step) in enumerate(zip(gradients, (1e-7, 1e-5), strict=True)):
        ends = [
            pressure(*(x + sign * step * direction * float(i == which) for i, x in enumerate((position, axis))))
            for sign in (1, -1)
        ]
        difference = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(jnp.vdot(gradient, direction), difference, rtol=1e-4)


def test_a_run_folder_takes_no_other_recipe(trained):
    predictor, folder = trained
    written = (folder / "recipe.json").read_bytes()
    other = dataclasses.replace(predictor.recipe, base_width=8)
    with pytest.raises(ValueError, match=r"another recipe \(different: \['model'\]\)"):
        train_predictor(records([2, 5]), records([1]), folder, other, BRIEF)
    assert (folder / "recipe.json").read_bytes() == written


def test_scenes_outside_the_training_domain_are_refused_by_name(trained):
    predictor, _ = trained
    scene = small_scene(0)
    with pytest.raises(ValueError, match="reads the CT"):
        predictor(Scene(scene.medium, scene.transducer))
    with pytest.raises(ValueError, match=r"spacing = 0\.0015.*spacing = 0\.00125"):
        predictor(small_scene(0, spacing=1.25e-3, shape=(32, 32, 32)))
    other = dataclasses.replace(SMALL_BOWL, frequency=300e3)
    with pytest.raises(ValueError, match=r"frequency = 250000\.0.*frequency = 300000\.0"):
        predictor(small_scene(0, bowl=other))
    with pytest.raises(ValueError, match="mapping"):
        predictor(scene_from_head(scene.head, scene.transducer, MarsacMueller(root_inside=True)))
    with pytest.raises(ValueError, match="divi"):
        predictor(small_scene(0, shape=(26, 26, 26)))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "garbage", "missing", "other kind", "other model"])
def test_damaged_or_foreign_checkpoints_are_refused(trained, tmp_path, damage):
    _, folder = trained
    whole = (folder / "predictor.ckpt").read_bytes()
    path = tmp_path / "predictor.ckpt"
    if damage == "truncated":
        path.write_bytes(whole[:-50])
    elif damage == "flipped":
        path.write_bytes(whole[:-50] + bytes([whole[-50] ^ 4]) + whole[-49:])
    elif damage == "garbage":
        path.write_bytes(b"\x00" * 100)
    elif damage == "other kind":
        save_checkpoint(path, {"kind": "something else"}, {"weights": jnp.ones(3)})
    elif damage == "other model":
        header = json.loads(whole.partition(b"\n")[0])
        kept = {name: header[name] for name in ("kind", "domain", "model")}
        save_checkpoint(path, kept, {"weights": jnp.ones(3)})
    message = {
        "truncated": "truncated or corrupted",
        "flipped": "truncated or corrupted",
        "garbage": "not a fieldcast checkpoint",
        "missing": "no checkpoint",
        "other kind": "kind 'something else', expected 'fieldcast.FieldPredictor'",
        "other model": "does not fit the model",
    }[damage]
    with pytest.raises(CheckpointError, match=message):
        load_predictor(tmp_path)


class Half(PressureModel):
    """Predicts half of the free field."""

    def __call__(self, inputs: ModelInput):
        return 0.5 * jnp.abs(inputs.free_field)

    def loss(self, inputs: ModelInput, truth: TrueField):
        raise NotImplementedError


def test_error_curve_is_the_error_that_was_made():
    """Truth 0.6 f against prediction 0.5 f: the error is 20 % of the prediction, at every fraction of the peak."""
    free_field = np.linspace(0, 1, 24**3, dtype=np.float32).reshape(1, 24, 24, 24)
    wave = free_field * np.exp(0.3j).astype(np.complex64)
    inputs = ModelInput(free_field[0], wave[0], np.zeros((3, 3), np.float32), np.ones((), np.float32))
    stacked = jax.tree.map(lambda leaf: leaf[None], inputs)
    curve = error_curve(Half(), Samples(stacked, TrueField(0.6j * wave, free_field > 0)))
    np.testing.assert_allclose(curve, 0.2 * np.linspace(0, 1, curve.size), atol=0.02 * 0.2)
