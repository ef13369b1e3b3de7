"""Manifest and statistics: what they say is true, and nothing that was altered is believed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from small_trajectories import HEADER, fields_of, write_trajectory

from fieldcast.datasets.dataset_validation import validate_dataset
from fieldcast.datasets.field_statistics import read_statistics
from fieldcast.datasets.hdf5_layout import DamagedFileError
from fieldcast.datasets.manifest import check_manifest, finish_dataset, is_current
from fieldcast.datasets.manifest_file import read_manifest

SPLITS = ("train", "train", "valid", "test")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def root(finished, tmp_path) -> Path:
    return shutil.copytree(finished, tmp_path / "dataset")


def make_dataset(root: Path) -> Path:
    (root / "recipe.json").write_text(json.dumps({"recipe": "made_up", "hash": "0123"}))
    for index, split in enumerate(SPLITS):
        write(root, index, split)
    finish_dataset(root)
    return root


def write(root: Path, index: int, split: str, **changes) -> Path:
    header = vars(HEADER) | {"provenance": {"index": index, "recipe_hash": "0123"}} | changes
    return write_trajectory(root / f"data/{split}/trajectory_{index:05d}.h5", fields_of(index), type(HEADER)(**header))


def rewrite_manifest(root: Path, change) -> None:
    """As an attacker would, with the right hash of the manifest itself."""
    from fieldcast.datasets.manifest_file import _digest

    content = json.loads((root / "manifest.json").read_text())
    del content["sha256"]
    change(content)
    (root / "manifest.json").write_text(json.dumps(content | {"sha256": _digest(content)}))


def test_a_manifest_is_current_until_files_come_or_change_their_size(root):
    assert is_current(root)
    added = write(root, 4, "train")
    assert not is_current(root)
    added.unlink()
    assert is_current(root)
    listed = root / "data/test/trajectory_00003.h5"
    listed.write_bytes(listed.read_bytes()[:-1])
    assert not is_current(root)
    (root / "manifest.json").unlink()
    assert not is_current(root)


def test_manifest_lists_every_file(finished):
    manifest = check_manifest(finished)
    assert manifest.recipe_hash == "0123"
    assert manifest.paths("train") == ["data/train/trajectory_00000.h5", "data/train/trajectory_00001.h5"]
    assert set(manifest.files) == {str(p.relative_to(finished)) for p in finished.rglob("*.*")} - {"manifest.json"}
    entry = manifest.files["data/test/trajectory_00003.h5"]
    assert (entry.kind, entry.split) == ("trajectory", "test")
    assert entry.size == (finished / "data/test/trajectory_00003.h5").stat().st_size


def test_finishing_twice_changes_nothing(root):
    before = {path: path.read_bytes() for path in root.rglob("*.*")}
    finish_dataset(root)
    assert {path: path.read_bytes() for path in root.rglob("*.*")} == before


def test_statistics_are_those_of_the_training_split(finished):
    train = np.stack([fields_of(0), fields_of(1)]).astype(np.float64)  # (sample, time, channel, x, y)
    changes = np.diff(train, axis=1)
    found = read_statistics(finished)
    assert set(found) == {"smoke", "velocity"}
    for name, channels in {"smoke": 1, "velocity": [0, 2]}.items():
        for values, suffix in ((train, ""), (changes, "_delta")):
            ours, axes = values[:, :, channels], (0, 1, -2, -1)
            np.testing.assert_allclose(getattr(found[name], f"mean{suffix}"), ours.mean(axes), rtol=1e-12)
            np.testing.assert_allclose(getattr(found[name], f"std{suffix}"), ours.std(axes), rtol=1e-12)
            rms = np.sqrt((ours**2).mean(axes))
            np.testing.assert_allclose(getattr(found[name], f"rms{suffix}"), rms, rtol=1e-12)


def test_statistics_have_the_form_of_the_well(finished):
    content = yaml.safe_load((finished / "stats.yaml").read_text())
    assert set(content) == {"mean", "std", "rms", "mean_delta", "std_delta", "rms_delta"}
    assert isinstance(content["std"]["smoke"], float)
    assert len(content["std"]["velocity"]) == 2


def test_one_snapshot_changes_by_nothing(tmp_path):
    write_trajectory(
        tmp_path / "data/train/a.h5", fields_of(0)[:1], type(HEADER)(**vars(HEADER) | {"times": np.zeros(1)})
    )
    finish_dataset(tmp_path)
    found = read_statistics(tmp_path)["velocity"]
    np.testing.assert_array_equal([found.mean_delta, found.std_delta, found.rms_delta], np.zeros((3, 2)))


def test_summary_of_a_dataset(finished):
    found = validate_dataset(finished)
    everything = np.stack([fields_of(index) for index in range(4)]).astype(np.float64)
    assert found.numbers == {"train": 2, "valid": 1, "test": 1}
    assert found.parameters == {"viscosity": (0.1, 0.1, "m^2/s")}
    moments = found.fields["velocity"].moments
    np.testing.assert_allclose(moments.std, everything[:, :, [0, 2]].std((0, 1, 3, 4)), rtol=1e-12)
    np.testing.assert_array_equal(moments.maximum, everything[:, :, [0, 2]].max((0, 1, 3, 4)))
    assert found.manifest == read_manifest(finished)


def test_dataset_without_manifest_is_checked_file_by_file(root):
    (root / "manifest.json").unlink()
    assert validate_dataset(root).manifest is None
    with pytest.raises(FileNotFoundError, match=r"no manifest\.json"):
        read_statistics(root)


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "data/train/../../../x.h5", "data/else/a.h5", "data\\train\\a.h5", "x.py"],
)
def test_paths_out_of_the_dataset_are_refused(root, name):
    rewrite_manifest(root, lambda content: content["files"].update({name: next(iter(content["files"].values()))}))
    with pytest.raises(DamagedFileError, match="belong to a dataset"):
        read_manifest(root)


def test_links_out_of_the_dataset_are_refused(root, tmp_path_factory):
    path = root / "data/train/trajectory_00000.h5"
    path.symlink_to(path.rename(tmp_path_factory.mktemp("elsewhere") / "a.h5"))
    with pytest.raises(DamagedFileError, match="link to another place"):
        check_manifest(root)


def test_manifest_that_disagrees_is_refused(root):
    extra = write(root, 4, "train")
    with pytest.raises(DamagedFileError, match=r"does not list data/train/trajectory_00004\.h5"):
        validate_dataset(root)
    extra.unlink()
    other = write(root, 0, "train", scales="other")
    with pytest.raises(DamagedFileError, match="is not the file that"):
        validate_dataset(root)
    other.unlink()
    with pytest.raises(DamagedFileError, match="listed in"):
        validate_dataset(root)
    finish_dataset(root)
    assert validate_dataset(root).numbers == {"train": 1, "valid": 1, "test": 1}


def test_sample_counted_to_another_split_is_refused(root):
    rewrite_manifest(root, lambda content: content["files"]["data/test/trajectory_00003.h5"].update({"split": "train"}))
    with pytest.raises(DamagedFileError, match="against its folder"):
        read_manifest(root)


def test_files_that_do_not_belong_together_are_refused(root):
    path = write(root, 4, "train", units={"velocity_x": "mm/s"})
    with pytest.raises(DamagedFileError, match="other axes, fields, parameters or units"):
        finish_dataset(root)
    path.unlink()
    path = write(root, 4, "train", provenance={"index": 4, "recipe_hash": "4567"})
    with pytest.raises(DamagedFileError, match="another recipe"):
        finish_dataset(root)
    path.unlink()
    write(root, 4, "train", provenance={"index": 3, "recipe_hash": "0123"})
    with pytest.raises(DamagedFileError, match="the same sample, 3"):
        finish_dataset(root)


def test_unusual_names_are_refused_when_the_manifest_is_written(root):
    (root / "data/train/trajectory_00000.h5").rename(root / "data/train/first one.h5")
    with pytest.raises(DamagedFileError, match="belong to a dataset"):
        finish_dataset(root)


def test_empty_folder_is_no_dataset(tmp_path):
    with pytest.raises(FileNotFoundError, match="no data files"):
        finish_dataset(tmp_path)


@pytest.mark.parametrize("name", ["manifest.json", "stats.yaml", "recipe.json", "data/train/trajectory_00001.h5"])
def test_damage_is_refused_or_harmless(root, name):
    """A hundred bit flips and a hundred truncations of each file of a dataset."""
    manifest, statistics = read_manifest(root), read_statistics(root)
    whole, rng = (root / name).read_bytes(), np.random.default_rng(0)
    refused = 0
    for trial in range(200):
        place = int(rng.integers(len(whole)))
        if trial < 100:
            damaged = bytearray(whole)
            damaged[place] ^= 1 << int(rng.integers(8))
        else:
            damaged = whole[:place]
        (root / name).write_bytes(damaged)
        try:
            assert check_manifest(root) == manifest
            assert repr(read_statistics(root)) == repr(statistics)
        except DamagedFileError:
            refused += 1
    assert refused == 200 or (name == "manifest.json" and refused > 180)
