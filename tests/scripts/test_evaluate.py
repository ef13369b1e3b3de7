"""`fieldcast evaluate` on both kinds of data: numbers that are known before, and files that are there after."""

import dataclasses
import json
import sys

import jax.random as jrandom
import numpy as np
import pytest
from compiled import hasty_compiler
from flow_recipes import TINY
from scenes import SMALL_RECIPE

from fieldcast.datasets.generation import generate
from fieldcast.datasets.trajectories import generate_trajectories
from fieldcast.datasets.trajectory_file import read_trajectory, trajectory_header
from fieldcast.scripts.cli import main
from fieldcast.simulators.acoustics.free_field import FreeField
from fieldcast.surrogates.flow_domain import FlowDomain
from fieldcast.surrogates.learned_stepper import StepperRecipe, build_stepper, save_stepper
from fieldcast.surrogates.operator_recipes import FNORecipe
from fieldcast.surrogates.wrappers import ChannelStatistics


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["fieldcast", "evaluate", *map(str, arguments)])
    main()


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    """Four snapshots of a flow whose solver has the grid of its snapshots."""
    root = tmp_path_factory.mktemp("flow")
    recipe = dataclasses.replace(TINY["kolmogorov"], num_trajectories=1, num_snapshots=4, kept_points=16)
    with hasty_compiler():
        generate_trajectories(recipe, root)
    return root


def untrained(folder, root):
    """A run whose stepper nobody trained: history of two, and what changes in single precision."""
    domain = FlowDomain.of(trajectory_header(root / "data/train/trajectory_00000.h5"))
    recipe = StepperRecipe(FNORecipe(modes=2, width=4, num_layers=1), history=2)
    scale = ChannelStatistics((0.0,), (1.0,))
    save_stepper(folder, build_stepper(recipe, domain, scale, scale, key=jrandom.key(0)), scale)


def test_trajectories(monkeypatch, tmp_path, capsys, flow):
    untrained(tmp_path / "fno", flow)
    options = ("--data", flow, "--split", "train", "--output", tmp_path / "out")
    with hasty_compiler():
        run(monkeypatch, tmp_path / "fno", *options, "--flow.solver")
    shown = capsys.readouterr().out
    assert all(f"| {name} " in shown for name in ("persistence", "solver, same grid", tmp_path / "fno"))
    written = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert written["start"] == 1  # the earliest for a history of two
    fields = read_trajectory(flow / "data/train/trajectory_00000.h5").fields.astype(float)
    solvers = written["solvers"]
    norms = [np.linalg.norm(fields[1] - fields[n]) / np.linalg.norm(fields[n]) for n in (2, 3)]
    np.testing.assert_allclose(solvers["persistence"]["relative_l2"][0], norms, rtol=1e-5)
    assert max(solvers["solver, same grid"]["relative_l2"][0]) < 1e-4 < min(norms)
    assert solvers["solver, same grid"]["one_step_relative_l2"] < 1e-4
    assert np.all(np.isfinite(solvers[str(tmp_path / "fno")]["relative_l2"]))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"evaluation.json", "rollouts.png", "spectra.png"}


def test_a_longer_rollout(monkeypatch, tmp_path, capsys, flow):
    run(monkeypatch, "--data", flow, "--split", "train", "--output", tmp_path, "--flow.long-steps", 300)
    assert "0 of 1; long: no, 300 steps" in capsys.readouterr().out
    found = json.loads((tmp_path / "evaluation.json").read_text())["solvers"]["persistence"]["long_run"]
    assert (found["num_steps"], found["blow_up_step"]) == (300, None)


def test_scenes(monkeypatch, tmp_path, capsys):
    """Where the truth is the free field, the free field has no error."""
    generate(dataclasses.replace(SMALL_RECIPE, num_scenes=3), FreeField(), tmp_path / "data")
    run(monkeypatch, "--data", tmp_path / "data", "--output", tmp_path / "out")
    assert "1 scenes of the split 'test'" in capsys.readouterr().out
    found = json.loads((tmp_path / "out/evaluation.json").read_text())["solvers"]["free field"]
    assert found["mean"]["relative_l2"] < 1e-6
    assert (found["mean"]["focal_error"], found["mean"]["dice"]) == (0.0, 1.0)
    assert found["seconds_per_field"] > 0
    assert (tmp_path / "out/fields.png").stat().st_size > 1000


def test_an_empty_split_and_a_run_of_the_other_kind_are_named(monkeypatch, tmp_path, capsys, flow):
    for arguments, reason in (
        (("--data", flow), "holds nothing of the split 'test'"),
        ((tmp_path, "--data", flow, "--split", "train"), "There is no checkpoint"),
    ):
        with pytest.raises(SystemExit) as left:
            run(monkeypatch, *arguments, "--output", tmp_path / "out")
        assert left.value.code == 2
        assert reason in " ".join(capsys.readouterr().err.split())
