"""The command line on heads from files: answers that fit the head, and bad input refused with what to do."""

import json
import subprocess
import sys

import nibabel
import numpy as np
import pytest
from compiled import hasty_compiler
from scenes import Blob, small_scene

from fieldcast.datasets.scene_file import SceneRecord
from fieldcast.scripts.query import query
from fieldcast.simulators.acoustics.head import AIR, Head
from fieldcast.simulators.acoustics.nifti import write_volume
from fieldcast.simulators.acoustics.phantom import SkullPhantom
from fieldcast.simulators.grid import Grid
from fieldcast.surrogates.model_recipe import ModelRecipe
from fieldcast.surrogates.training import TrainingRecipe
from fieldcast.surrogates.ultrasound import train_predictor

GRID = Grid((40, 40, 40), 2e-3, origin=(-39e-3, -39e-3, 30e-3))
"""A block of the crown of a head, with air above."""

TARGET, ENTRY = (0.0, 0.0, 60e-3), (0.0, 0.0, 95e-3)


@pytest.fixture(scope="module")
def crown() -> Head:
    return SkullPhantom().draw(3).on(GRID)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    scenes = [small_scene(index) for index in (2, 5, 1)]
    records = [SceneRecord(scene, Blob()(scene)) for scene in scenes]
    recipe = ModelRecipe(base_width=4, num_levels=2, patch_size=2, num_points=16)
    with hasty_compiler():
        train_predictor(records[:2], records[2:], folder, recipe, TrainingRecipe(num_steps=2, validate_every=2))
    return folder


@pytest.fixture
def head(crown, tmp_path):
    """The crown as a file with flipped axes, so that its affine matters."""
    path = tmp_path / "ct.nii.gz"
    affine = GRID.affine @ np.diag([-1.0, 1.0, 1.0, 1.0])
    affine[0, 3] = 1e3 * (GRID.origin[0] + GRID.extent[0])
    write_volume(path, np.asarray(crown.hounsfield)[::-1], affine)
    return path


def test_answer_lies_on_the_head(run, head, tmp_path):
    query(run, head, TARGET, ENTRY, tmp_path / "out", standoff=4e-3, size=24)
    ct, field = nibabel.load(head), nibabel.load(tmp_path / "out" / "field.nii.gz")
    full = nibabel.load(tmp_path / "out" / "field_full.nii.gz")
    np.testing.assert_allclose(field.affine, ct.affine, atol=1e-4)
    assert field.shape == ct.shape
    # Both files put the largest pressure at the same place of the world, to a voxel of the coarser one.
    places = [
        (image.affine @ [*np.unravel_index(np.argmax(image.get_fdata()), image.shape), 1.0])[:3]
        for image in (field, full)
    ]
    assert np.linalg.norm(places[0] - places[1]) < 4.0
    assert (tmp_path / "out" / "field.png").stat().st_size > 10_000
    assert "peak pressure" in (tmp_path / "out" / "field.md").read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": (0.0, 0.0, 0.2)}, "outside of the head"),
        ({"target": (0.0, 0.0, 60.0)}, "metres"),
        ({"entry": (0.0, 0.0, 95.0)}, "metres"),
        ({"standoff": 5.0}, "millimetres meant"),
        ({"standoff": 0.0, "entry": (30e-3, 0.0, 84e-3), "target": (-10e-3, 0.0, 66e-3)}, "overlaps|standoff"),
        ({"size": 8}, "do not fit"),
    ],
)
def test_senseless_requests_are_refused(run, head, tmp_path, changes, message):
    arguments = {"target": TARGET, "entry": ENTRY, "standoff": 4e-3, "size": 24} | changes
    with pytest.raises(ValueError, match=message):
        query(run, head, output=tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_bad_images_are_refused(run, crown, tmp_path):
    path = tmp_path / "ct.nii.gz"
    hounsfield = np.array(crown.hounsfield)

    def ask(message):
        with pytest.raises(ValueError, match=message):
            query(run, path, TARGET, ENTRY, tmp_path / "out", size=24)

    write_volume(path, np.where(hounsfield == AIR, np.nan, hounsfield), GRID.affine)
    ask("(?i)nan|finite")
    image = nibabel.Nifti1Image(hounsfield.astype(np.float32), GRID.affine)
    image.header.set_xyzt_units("unknown")
    nibabel.save(image, path)
    ask("unit")
    write_volume(path, hounsfield, GRID.affine)
    path.write_bytes(path.read_bytes()[:-2000])
    ask("truncated|damaged|corrupt")


def test_command_line_gives_the_message_and_no_traceback(run, head, tmp_path):
    command = [sys.executable, "-c", "from fieldcast.scripts.cli import main; main()", "query"]
    command += ["--run", str(run), "--head", str(head), "--target", "0", "0", "60", "--entry", "0", "0", "0.095"]
    result = subprocess.run([*command, "--output", str(tmp_path / "out")], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("fieldcast: ")
    assert "metres" in result.stderr
    assert "Traceback" not in result.stderr


def test_recipe_of_a_run_is_recorded(run):
    recipe = json.loads((run / "recipe.json").read_text())
    assert recipe["model"]["patch_size"] == 2
    assert recipe["training"]["num_steps"] == 2
