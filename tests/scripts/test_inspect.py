"""`fieldcast inspect`: what it says of whole data, and that damaged data fail."""

import dataclasses
import shutil
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from small_trajectories import HEADER, fields_of, write_trajectory

from fieldcast.datasets.hdf5_layout import DamagedFileError
from fieldcast.datasets.manifest import finish_dataset
from fieldcast.scripts.inspect import inspect

DATA = Path(__file__).parents[1] / "data"


def rows_of(text: str) -> dict[str, list[str]]:
    """The tables by the first cell of each row."""
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if "|" in line]
    return {row[0]: row[1:] for row in rows}


def test_what_is_in_a_file(tmp_path, capsys):
    path = write_trajectory(tmp_path / "trajectory.h5")
    inspect(path)
    shown = capsys.readouterr().out
    assert f"{path}: a trajectory, whole and undamaged" in shown
    smoke = fields_of(0)[:, 1]
    assert rows_of(shown)["smoke"][:4] == [f"{x:.4g}" for x in (smoke.min(), smoke.mean(), smoke.max(), smoke.std())]
    assert rows_of(shown)["velocity y"][4] == "m/s"
    assert rows_of(shown)["viscosity"] == ["0.1", "m^2/s"]
    assert "3, 0.5 to 1.5 s" in shown


def test_what_is_in_a_dataset(tmp_path, capsys):
    for split in ("train", "test"):
        (tmp_path / "data" / split).mkdir(parents=True)
        shutil.copy(DATA / "scene_format_1.h5", tmp_path / "data" / split / f"{split}.h5")
    with pytest.raises(DamagedFileError, match="same sample"):
        inspect(tmp_path)
    (tmp_path / "data/test/test.h5").unlink()
    inspect(tmp_path)
    assert "none: its generation has not ended" in capsys.readouterr().out
    finish_dataset(tmp_path)
    inspect(tmp_path, pictures=tmp_path / "pictures")
    shown = capsys.readouterr().out
    assert "agrees with every file" in shown
    assert rows_of(shown)["train"][0] == "1"
    assert rows_of(shown)["frequency"] == ["250000", "250000", "Hz"]
    assert matplotlib.image.imread(tmp_path / "pictures/train_train.png").std() > 0.05


def test_pictures_of_a_trajectory(tmp_path, capsys):
    header = dataclasses.replace(HEADER, components=("smoke",), times=HEADER.times[:2])
    path = write_trajectory(tmp_path / "trajectory.h5", fields_of(0)[:2, 1:2], header)
    inspect(path, pictures=tmp_path)
    picture = tmp_path / f"{tmp_path.name}_trajectory.png"
    assert str(picture) in capsys.readouterr().out
    assert len(np.unique(matplotlib.image.imread(picture)[::3, ::3, :3].reshape(-1, 3), axis=0)) > 30


def test_damage_fails(tmp_path):
    path = write_trajectory(tmp_path / "trajectory.h5")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DamagedFileError, match="truncated"):
        inspect(path)
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        inspect(tmp_path / "missing")
