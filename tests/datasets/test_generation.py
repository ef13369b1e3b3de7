"""Generation: idempotent, resumable, tolerant of single failures."""

import dataclasses
import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest
from scenes import SMALL_RECIPE, Blob

from fieldcast.datasets import engine
from fieldcast.datasets.generation import generate, recipe_hash, scene_path
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
    assert provenance["recipe_hash"] == recipe_hash(SMALL_RECIPE)
    assert provenance["index"] == 0


_GENERATE = """
import dataclasses, pathlib, sys
sys.path.insert(0, {tests!r})
from fieldcast.datasets.generation import generate
from scenes import SMALL_RECIPE, Blob
generate(dataclasses.replace(SMALL_RECIPE, num_scenes=9), Blob(), pathlib.Path({root!r}))
"""


def test_killed_in_the_middle_and_resumed_equals_undisturbed(tmp_path):
    recipe = dataclasses.replace(SMALL_RECIPE, num_scenes=9)
    generate(recipe, Blob(), tmp_path / "undisturbed")
    code = _GENERATE.format(tests=str(Path(__file__).parents[1]), root=str(tmp_path / "killed"))
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    while len(list((tmp_path / "killed").rglob("scene*.h5"))) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert 3 <= len(list((tmp_path / "killed").rglob("scene*.h5"))) < 9
    for path in (tmp_path / "killed").rglob("scene*.h5"):
        read_scene(path)
    report = generate(recipe, Blob(), tmp_path / "killed")
    assert report.found >= 3
    assert pressures(tmp_path / "killed") == pressures(tmp_path / "undisturbed")


def test_an_interrupt_stops_the_workers_and_no_other_process(tmp_path):
    def interrupted():
        with engine._worker_pool(1, tmp_path) as pool:
            pool.submit(time.sleep, 60.0)
            assert len(multiprocessing.active_children()) == 2
            raise KeyboardInterrupt

    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60.0,))
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert multiprocessing.active_children() == [other]
    finally:
        other.kill()
        other.join()
