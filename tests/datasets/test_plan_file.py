"""Plans go to disk and come back the same, or are refused."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from scenes import SMALL_RECIPE, Blob
from toy_plan import ToyPlan

from fieldcast.datasets.engine import load_plan, settings_hash
from fieldcast.datasets.engine.plain import from_plain, to_plain
from fieldcast.datasets.engine.plan_file import save_plan
from fieldcast.datasets.generation import ScenePlan
from fieldcast.datasets.hdf5_layout import DamagedFileError
from fieldcast.datasets.trajectories import TrajectoryPlan
from fieldcast.datasets.turbulence import RECIPES
from fieldcast.datasets.ultrasound import UltrasoundRecipe
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.kwave import KWave
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver

PLANS = {
    "toy": ToyPlan(moods={"1": "fails"}),
    "ultrasound": ScenePlan(UltrasoundRecipe(num_scenes=7), KWave(workers=1, tolerance=0.01)),
    **{name: TrajectoryPlan(recipe) for name, recipe in RECIPES.items()},
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_comes_back_from_disk(name, tmp_path):
    save_plan(tmp_path, PLANS[name])
    found = load_plan(tmp_path)
    assert found == PLANS[name]
    assert settings_hash(found.settings()) == settings_hash(PLANS[name].settings())
    assert all(found.split(index) == PLANS[name].split(index) for index in range(30))


def test_precision_comes_back(tmp_path):
    with jax.enable_x64(True):
        save_plan(tmp_path, PLANS["channel180"])
    try:
        plan = load_plan(tmp_path)
        assert jax.config.jax_enable_x64
        assert plan.settings()["double_precision"]
    finally:
        jax.config.update("jax_enable_x64", False)


def test_an_older_folder_is_accepted(tmp_path):
    """One whose `recipe.json` tells no more than the hash; the plan is added to it."""
    recipe = RECIPES["channel180-minimal"]
    identity = settings_hash(TrajectoryPlan(recipe).settings())
    (tmp_path / "recipe.json").write_text(json.dumps({"hash": identity}))
    with pytest.raises(ValueError, match="cannot be rebuilt"):
        load_plan(tmp_path)
    save_plan(tmp_path, TrajectoryPlan(recipe))
    assert load_plan(tmp_path) == TrajectoryPlan(recipe)


def test_what_decides_a_scene_is_in_the_hash():
    plan = ScenePlan(SMALL_RECIPE, KWave())

    def identity(**changes):
        return settings_hash(dataclasses.replace(plan, **changes).settings())

    assert identity(solver=KWave(workers=1, progress=False)) == identity()
    assert identity(recipe=dataclasses.replace(SMALL_RECIPE, num_scenes=1)) == identity()
    assert identity(solver=KWave(tolerance=0.1)) != identity()
    assert identity(solver=Blob()) != identity()
    assert identity(recipe=dataclasses.replace(SMALL_RECIPE, seed=1)) != identity()


class Learned(FieldSolver):
    """A solver with weights."""

    weights: jax.Array

    def __call__(self, scene: Scene) -> PressureField:
        raise NotImplementedError


def test_a_plan_with_weights_is_known_by_them_and_not_rebuilt(tmp_path):
    plans = [ScenePlan(SMALL_RECIPE, Learned(jnp.full(2, value))) for value in (1.0, 2.0)]
    assert settings_hash(plans[0].settings()) != settings_hash(plans[1].settings())
    save_plan(tmp_path, plans[0])
    with pytest.raises(ValueError, match="cannot be rebuilt"):
        load_plan(tmp_path)


def test_an_altered_plan_is_refused(tmp_path):
    save_plan(tmp_path, PLANS["tgv"])
    path = tmp_path / "recipe.json"
    path.write_text(path.read_text().replace('"num_points": 128', '"num_points": 96'))
    with pytest.raises(ValueError, match="altered"):
        load_plan(tmp_path)
    with pytest.raises(FileNotFoundError, match="no plan"):
        load_plan(tmp_path / "elsewhere")


@pytest.mark.parametrize(("content", "reason"), [("{", "not JSON"), ("{}", "does not say the hash")])
def test_a_damaged_plan_is_refused_by_name(tmp_path, content, reason):
    (tmp_path / "recipe.json").write_text(content)
    with pytest.raises(DamagedFileError, match=rf"recipe\.json .*{reason}"):
        save_plan(tmp_path, PLANS["toy"])


@pytest.mark.parametrize(
    "name", ["subprocess:Popen", "os:system", "nowhere:Plan", "fieldcast.datasets.ultrasound:Nothing", "json"]
)
def test_only_dataclasses_are_made(name):
    with pytest.raises(ValueError, match=r"not a dataclass|not found|not a class"):
        from_plain({"class": name, "args": "true"})


def test_plain_data_come_back():
    value = {"a": (1, 2.5, None, True, "x"), "b": KWave(steps_per_period=20)}
    assert from_plain(json.loads(json.dumps(to_plain(value)))) == value
    # Whoever carries out a plan may be in another folder than its author.
    assert from_plain(to_plain(Path("ct.nii"))) == Path.cwd() / "ct.nii"
    with pytest.raises(TypeError, match="Array"):
        to_plain(jnp.zeros(2))
