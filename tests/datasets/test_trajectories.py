"""Datasets of trajectories: complete or absent, resumed, the same every time, and what the solvers say."""

import contextlib
import dataclasses
from collections import Counter

import equinox as eqx
import jax
import numpy as np
import pytest
from compiled import UNOPTIMISED
from flow_recipes import TINY, DecayRecipe
from scenes import tree_of

from fieldcast.datasets import trajectories
from fieldcast.datasets.trajectories import generate_trajectories, trajectory_path
from fieldcast.datasets.trajectory_file import read_trajectory
from fieldcast.datasets.trajectory_recipe import Splits
from fieldcast.datasets.turbulence import RECIPES
from fieldcast.simulators.rollout import rollout
from fieldcast.simulators.stride import Stride


def quickly_compiled(function):
    return eqx.filter_jit(function, compiler_options=UNOPTIMISED)


@pytest.fixture
def quick(monkeypatch):
    """Flows compiled without optimisation, which takes a fraction of the time."""
    for name, function in QUICK.items():
        monkeypatch.setattr(trajectories, name, function)


QUICK = {
    name: quickly_compiled(getattr(trajectories, name).__wrapped__) for name in ("_started", "_stepped", "_reduced")
}


def precision(recipe):
    return jax.enable_x64(True) if recipe.needs_double_precision else contextlib.nullcontext()


@pytest.mark.usefixtures("quick")
def test_resume_does_only_what_is_missing(tmp_path):
    recipe = DecayRecipe()
    first = generate_trajectories(recipe, tmp_path)
    assert (first.written, first.found, first.failures) == (3, 0, {})
    kept, removed, damaged = (trajectory_path(tmp_path, recipe, index) for index in range(3))
    whole, age = tree_of(tmp_path / "data"), kept.stat().st_mtime_ns
    removed.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-100])
    second = generate_trajectories(dataclasses.replace(recipe, num_trajectories=4), tmp_path)
    assert (second.written, second.found) == (3, 1)
    assert kept.stat().st_mtime_ns == age
    assert tree_of(tmp_path / "data").items() >= whole.items()
    with pytest.raises(ValueError, match="another recipe"):
        generate_trajectories(dataclasses.replace(recipe, seed=1), tmp_path)


@pytest.mark.usefixtures("quick")
def test_a_flow_that_blows_up_is_reported_and_leaves_no_file(tmp_path):
    report = generate_trajectories(DecayRecipe(odd_ones_blow_up=True), tmp_path)
    assert (report.written, set(report.failures)) == (2, {1})
    assert "non-finite" in report.failures[1]
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
        "recipe.json",
        "trajectory_00000.h5",
        "trajectory_00001.json",
        "trajectory_00002.h5",
    ]


@pytest.mark.usefixtures("quick")
def test_first_snapshot_comes_at_its_time(tmp_path):
    """By a shorter stride and then whole intervals; the decay at steps of 0.25 is exactly known."""
    recipe = DecayRecipe(num_trajectories=1, num_snapshots=3, first_time=1.25)
    generate_trajectories(recipe, tmp_path)
    found = read_trajectory(trajectory_path(tmp_path, recipe, 0))
    np.testing.assert_array_equal(found.times, np.float32([1.25, 1.75, 2.25]))
    start = np.asarray(recipe.start(recipe.flow(0), recipe.key(0)))
    factors = 0.75 ** np.array([5, 7, 9])  # the shorter stride is one such step, an interval two
    np.testing.assert_allclose(found.fields, factors[:, None, None, None] * start, rtol=1e-5)


def test_splits_are_disjoint_blocks():
    splits = Splits(train=4, valid=1, test=1)
    assert [splits(index) for index in range(8)] == ["train"] * 4 + ["valid", "test"] + ["train"] * 2
    channel = RECIPES["channel180"].splits
    assert [channel(index) for index in range(21)] == ["train"] * 16 + ["valid"] * 4 + ["test"]


PUBLISHED_SPLITS = {"ins": (5200, 1300, 1300), "cns": (5400, 1300, 1300), "swe": (5600, 1400, 1400)}


@pytest.mark.parametrize("name", PUBLISHED_SPLITS)
def test_splits_of_published_data_have_as_many_trajectories(name):
    recipe = RECIPES[name]
    counted = Counter(recipe.splits(index) for index in range(recipe.num_trajectories))
    assert counted == dict(zip(("train", "valid", "test"), PUBLISHED_SPLITS[name], strict=True))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", [name for name in TINY if name != "channel180"])
def test_every_recipe_makes_trajectories(name, tmp_path):
    """Each from its own start, with fields and coordinates of the kept grid; twice the same, byte for byte."""
    recipe = TINY[name]
    with precision(recipe):
        for folder in ("once", "again"):
            assert generate_trajectories(recipe, tmp_path / folder).failures == {}
        flow = recipe.flow(0)
    assert tree_of(tmp_path / "once" / "data") == tree_of(tmp_path / "again" / "data")
    first, second = (read_trajectory(trajectory_path(tmp_path / "once", recipe, index)) for index in range(2))
    assert not np.allclose(first.fields[-1], second.fields[-1], rtol=1e-3)
    assert not np.allclose(first.fields[0], first.fields[-1], rtol=1e-3)
    assert first.components == flow.components
    assert first.fields.shape[2:] == tuple(len(points) for points in first.axes.values())
    np.testing.assert_allclose(first.times, recipe.first_time + recipe.interval * np.arange(3), rtol=1e-6)
    for kind, points, kept in zip(first.boundary_types, flow.grid.axes(), first.axes.values(), strict=True):
        if kind == "WALL":  # whether on points or between them, both ends are as far from the walls
            np.testing.assert_allclose(kept.mean(), points.mean(), atol=1e-6)
    assert first.provenance["settings"]["num_snapshots"] == 3
    assert set(first.parameters) == set(recipe.parameters(flow))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["kolmogorov", "channel180"])
def test_snapshots_are_those_of_a_rollout(name, tmp_path):
    """Of one that knows nothing of datasets; the first snapshot comes after one interval."""
    recipe = dataclasses.replace(TINY[name], num_trajectories=1)
    with precision(recipe):
        generate_trajectories(recipe, tmp_path)
        flow = recipe.flow(0)
        reduction, start = recipe.reduction(flow), quickly_compiled(recipe.start)(flow, recipe.key(0))
        step, inner_steps = (Stride(flow, recipe.interval), 1) if name == "kolmogorov" else (flow, 4)
        run = rollout(step, 3, inner_steps, record=lambda state: reduction(flow, state))
        expected = quickly_compiled(run)(start)[1]
    found = read_trajectory(trajectory_path(tmp_path, recipe, 0)).fields
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


REFUSED = [
    ("tgv", {"num_snapshots": 0}, "at least one snapshot"),
    ("tgv", {"interval": 0.0}, "interval of the recipe tgv must be finite and positive, got 0.0"),
    ("tgv", {"first_time": -1.0}, "first time of the recipe tgv must be finite and at least zero, got -1.0"),
    ("tgv", {"reynolds_numbers": (0.0, 100.0)}, r"both positive, got \(0.0, 100.0\)"),
    ("tgv", {"reynolds_numbers": (200.0, 100.0)}, "from the least to the largest"),
    ("tgv", {"num_points": 8, "kept_points": 9}, "Of 8 points along each axis 3 to 8 can be kept, got 9"),
    ("kolmogorov", {"kept_points": 0}, "can be kept, got 0"),
    ("kolmogorov", {"viscosity": -1e-3}, "viscosity of the recipe kolmogorov must be finite and at least zero"),
    ("kolmogorov", {"num_points": 16, "kept_points": 8, "waves": 6}, "a force of 1 to 5 waves, got 6"),
    ("ins", {"viscosity": -0.01}, "viscosity of the recipe ins"),
    ("cns", {"kept_points": 0}, "cannot be gathered into 0 cells"),
    ("cns", {"num_points": 64, "kept_points": 5}, "64 points cannot be gathered into 5 cells"),
    ("cns", {"bulk_viscosity": float("nan")}, "bulk viscosity of the recipe cns .*, got nan"),
    ("cns", {"heat_capacity_ratio": 1.0}, "above 1, got 1.0"),
    ("swe", {"damping_time": 0.0}, "damping time of the recipe swe must be finite and positive"),
    ("channel180", {"viscosity": 0.0}, "viscosity of the recipe channel180 must be finite and positive"),
    ("channel180", {"kept_points": (32, 30, 16)}, "must be a multiple of that kept"),
    ("channel180", {"kept_points": (0, 33, 16)}, "must be a multiple of that kept"),
    ("channel180", {"interval": 0.5, "time_step": 0.03}, "interval, 0.5, must be a multiple of the time step, 0.03"),
    ("channel180", {"first_time": 240.503}, "first time, 240.503, must be a multiple of the time step, 0.005"),
]


@pytest.mark.parametrize(("name", "settings", "reason"), REFUSED)
def test_a_recipe_without_sense_is_refused(name, settings, reason):
    with pytest.raises(ValueError, match=reason):
        dataclasses.replace(RECIPES[name], **settings)


def test_what_no_trajectory_can_do_is_refused_before_any_work(tmp_path):
    """By the solvers and the starts, which know their limits themselves."""
    with pytest.raises(ValueError, match="double precision"):
        generate_trajectories(TINY["channel180"], tmp_path / "a")
    with pytest.raises(ValueError, match="Truncation 31 needs more than 93 longitudes"):
        generate_trajectories(dataclasses.replace(TINY["swe"], truncation=31), tmp_path / "a")
    with pytest.raises(ValueError, match="need 9 points"):
        generate_trajectories(dataclasses.replace(TINY["cns"], num_points=8, kept_points=4), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_first_time_between_snapshots_needs_only_whole_time_steps():
    recipe = dataclasses.replace(TINY["channel180"], interval=1.0, first_time=240.5)
    with jax.enable_x64(True):
        flow = recipe.flow(0)
        strides = trajectories._transient(recipe, flow, recipe.stepper(flow, recipe.interval))
    assert [stride.num_steps for stride in strides] == [100] + [200] * 240
