"""Generation: idempotent, resumable, tolerant of single failures."""

import dataclasses
from pathlib import Path

import h5py
import pytest
from scenes import SMALL_RECIPE, Blob

from fieldcast.datasets.engine import settings_hash
from fieldcast.datasets.generation import ScenePlan, generate, scene_path
from fieldcast.datasets.scene_file import read_scene
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver


class Moody(FieldSolver):
    """Fails on scenes whose transducer sits on the left."""

    def __call__(self, scene: Scene) -> PressureField:
        if float(scene.transducer.position[0]) < 0:
            raise RuntimeError("left is not my side")
        return Blob()(scene)


def pressures(root: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(root.rglob("*.h5")):
        with h5py.File(path) as file:
            found[path.name] = file["t0_fields/pressure_real"][()].tobytes()
    return found


def test_resume_does_only_what_is_missing(tmp_path):
    first = generate(SMALL_RECIPE, Blob(), tmp_path)
    assert (first.written, first.found, first.failures) == (6, 0, {})
    kept, removed, damaged = (scene_path(tmp_path, SMALL_RECIPE, index) for index in (0, 2, 4))
    age = kept.stat().st_mtime_ns
    whole = pressures(tmp_path)
    removed.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-100])
    second = generate(SMALL_RECIPE, Blob(), tmp_path)
    assert (second.written, second.found) == (2, 4)
    assert kept.stat().st_mtime_ns == age
    assert pressures(tmp_path) == whole


def test_more_scenes_extend_a_dataset(tmp_path):
    generate(dataclasses.replace(SMALL_RECIPE, num_scenes=2), Blob(), tmp_path)
    report = generate(SMALL_RECIPE, Blob(), tmp_path)
    assert (report.written, report.found) == (4, 2)


def test_another_recipe_is_refused(tmp_path):
    generate(dataclasses.replace(SMALL_RECIPE, num_scenes=1), Blob(), tmp_path)
    with pytest.raises(ValueError, match="another recipe"):
        generate(dataclasses.replace(SMALL_RECIPE, seed=1), Blob(), tmp_path)


def test_failures_are_recorded_and_do_not_stop_the_rest(tmp_path):
    report = generate(SMALL_RECIPE, Moody(), tmp_path)
    left = {i for i in range(6) if float(SMALL_RECIPE.scene(i).transducer.position[0]) < 0}
    assert 0 < len(left) < 6
    assert set(report.failures) == left
    assert all("left is not my side" in reason for reason in report.failures.values())
    assert len(list(tmp_path.rglob("*.h5"))) == 6 - len(left)


def test_splits_share_no_scene_and_seeds_no_skull():
    splits = [SMALL_RECIPE.split(index) for index in range(6)]
    assert splits == ["test", "valid", "train"] * 2
    scenes = [SMALL_RECIPE.scene(index) for index in range(3)]
    again = SMALL_RECIPE.scene(1)
    assert (again.head.hounsfield == scenes[1].head.hounsfield).all()
    assert not (scenes[0].head.hounsfield == scenes[1].head.hounsfield).all()


def test_provenance_names_the_recipe(tmp_path):
    generate(dataclasses.replace(SMALL_RECIPE, num_scenes=1), Blob(), tmp_path)
    provenance = read_scene(scene_path(tmp_path, SMALL_RECIPE, 0)).provenance
    assert provenance["recipe_hash"] == settings_hash(ScenePlan(SMALL_RECIPE, Blob()).settings())
    assert provenance["index"] == 0
