"""The command line makes the datasets that its names promise."""

import re
import sys

import pytest
from compiled import hasty_compiler

from fieldcast.datasets.trajectory_file import read_trajectory
from fieldcast.datasets.turbulence import RECIPES
from fieldcast.scripts.cli import main

SIZES = {"num-points": 8, "num-snapshots": 1, "first-time": 0}
TINY = ["--num-trajectories=2", *(f"--recipe.{name}={size}" for name, size in SIZES.items())]


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["fieldcast", "generate", *arguments])
    main()


def test_a_dataset_is_made_and_found_again(monkeypatch, tmp_path, capsys):
    with hasty_compiler():
        run(monkeypatch, "ins", "--root", str(tmp_path), *TINY)
    assert "2 trajectories simulated" in capsys.readouterr().out
    run(monkeypatch, "ins", "--root", str(tmp_path), *TINY)
    assert "0 trajectories simulated in 0 s, 2 were there already" in capsys.readouterr().out
    found = read_trajectory(tmp_path / "data" / "train" / "trajectory_00001.h5")
    assert (found.name, found.fields.shape) == ("ins", (1, 3, 8, 8))


@pytest.mark.parametrize(
    ("recipe", "option", "reason"),
    [
        ("cns", "--recipe.kept-points=0", "cannot be gathered into 0 cells"),
        ("swe", "--recipe.truncation=100", "fieldcast: Truncation 100 needs more than 300 longitudes"),
    ],
)
def test_a_recipe_without_sense_is_named_and_nothing_is_written(monkeypatch, tmp_path, capsys, recipe, option, reason):
    with pytest.raises(SystemExit) as left:
        run(monkeypatch, recipe, "--root", str(tmp_path / "data"), option)
    assert left.value.code == 2
    words = re.split(r"[\s│|]+", capsys.readouterr().err)  # a message may be broken into lines, in a frame
    assert reason in " ".join(words)
    assert not (tmp_path / "data").exists()


def test_every_recipe_has_a_command(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "--help")
    shown = capsys.readouterr().out
    assert all(f" {name} " in shown for name in ["ultrasound", *RECIPES])
