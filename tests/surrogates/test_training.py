"""The trainer: exact resume after any death, any number of devices, a stop by name when the loss is lost."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np
import pytest
from toy_training import (
    RECIPE,
    DiskGoneError,
    Perceptron,
    Waves,
    fail,
    fresh,
    largest_difference,
    objective,
    run,
    sum_of_squares,
    validate,
)

from fieldcast.surrogates.checkpoint import CheckpointError
from fieldcast.surrogates.training import (
    ConstantRate,
    DivergedError,
    Placement,
    StepDecay,
    TrainingRecipe,
    WarmupCosine,
    fit,
    read_metrics,
)
from fieldcast.surrogates.training.step import Setting, TrainingState, training_step

TESTS = Path(__file__).parents[1]


def started(*arguments: str, devices: int = 1) -> subprocess.Popen[str]:
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={devices}"
    command = [sys.executable, str(TESTS / "toy_training.py"), *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=os.environ | {"XLA_FLAGS": flags}, **pipes)


def printed(process: subprocess.Popen[str]) -> list[float]:
    """The numbers that a process prints last, which must end well."""
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return [float(word) for word in output.splitlines()[-1].split()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An undisturbed run: its folder and its model."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, run(folder)


def test_killed_in_the_middle_and_resumed_ends_with_the_same_weights(whole, tmp_path):
    killed = started("9", str(tmp_path))
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert [line["step"] for line in read_metrics(tmp_path)] == [4, 8]
    resumed = run(tmp_path)
    assert eqx.tree_equal(resumed, whole[1])
    assert [line["step"] for line in read_metrics(tmp_path)] == [4, 8, 12]
    losses = [[line["loss"] for line in read_metrics(folder)] for folder in (tmp_path, whole[0])]
    assert losses[0] == losses[1]


def test_eight_devices_train_as_one(tmp_path):
    differences = printed(started("devices", str(tmp_path), devices=8))
    assert len(differences) == 3
    assert 0 < max(differences) < 1e-5


def test_two_hosts_train_as_one(whole, tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    hosts = [started("host", str(tmp_path), address, host) for host in "01"]
    sums = [printed(host) for host in hosts]
    assert sums[0] == sums[1] == [pytest.approx(sum_of_squares(whole[1]), rel=1e-5)]
    losses = [[line["loss"] for line in read_metrics(folder)] for folder in (tmp_path, whole[0])]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_training_learns_and_returns_the_best_weights(whole):
    folder, model = whole
    errors = [line["error"] for line in read_metrics(folder)]
    assert validate(model)["error"] == pytest.approx(min(errors), rel=1e-6)
    assert min(errors) < 0.7 * validate(fresh())["error"]
    # The latest state and the best one, no others.
    best = 4 * (1 + int(np.argmin(errors)))
    kept = sorted(int(path.stem.removeprefix("step_")) for path in (folder / "checkpoints").glob("*.json"))
    assert kept == sorted({best, 12})


def test_one_step_is_adamw_of_the_mean_gradient(tmp_path):
    recipe = dataclasses.replace(RECIPE, schedule=ConstantRate(), gradient_clip=0.1, weight_decay=0.3)
    placement, batch = Placement(), next(Waves().from_step(5))
    state = placement.place(TrainingState.start(fresh(), recipe))
    after, loss = training_step((Setting(objective, recipe, placement), batch, jnp.asarray(5)), state)
    keys = jrandom.split(jrandom.fold_in(jrandom.key(recipe.seed), 5), 16)

    def mean_loss(model):
        return sum(objective(model, (batch[0][i], batch[1][i]), keys[i]) for i in range(16)) / 16

    expected_loss, gradient = eqx.filter_value_and_grad(mean_loss)(fresh())
    norm = float(np.sqrt(sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(gradient))))
    assert norm > 0.1
    for name in ("weight", "bias", "out"):
        clipped = np.asarray(getattr(gradient, name)) * (0.1 / norm)
        weight = np.asarray(getattr(fresh(), name))
        # The first step of Adam is the sign of the gradient, apart from epsilon.
        expected = weight - 1e-2 * (clipped / (np.abs(clipped) + 1e-8) + 0.3 * weight)
        np.testing.assert_allclose(getattr(after.model, name), expected, rtol=2e-5, atol=2e-6)
        # Step 5 counts the average's decay as (1 + 5) / (10 + 5).
        np.testing.assert_allclose(getattr(after.average, name), 0.4 * weight + 0.6 * expected, rtol=2e-5, atol=2e-6)
    assert float(loss) == pytest.approx(float(expected_loss), rel=1e-5)
    assert isinstance(after.released, Perceptron)
    assert after.released.out is after.average.out


def test_parts_of_a_batch_make_the_same_step(whole, tmp_path):
    parts = run(tmp_path, dataclasses.replace(RECIPE, num_micro_batches=4))
    assert 0 < largest_difference(parts, whole[1]) < 1e-5


def test_lost_loss_stops_the_run_and_keeps_the_last_good_state(tmp_path, whole):
    class Poisoned(Waves):
        def from_step(self, step):
            for number, (x, y) in enumerate(super().from_step(step), step):
                yield x, np.full_like(y, np.nan if number >= 6 else 0.0) + y

    with pytest.raises(DivergedError, match="at step 6; lower the learning rate"):
        run(tmp_path, batches=Poisoned())
    assert [line["step"] for line in read_metrics(tmp_path)] == [4]
    assert eqx.tree_equal(run(tmp_path), whole[1])


def test_an_error_that_is_no_number_stops_the_run(tmp_path):
    with pytest.raises(DivergedError, match=r"Validation after step 4 gave .*nan"):
        fit(fresh(), objective, Waves(), lambda model: {"error": float("nan")}, RECIPE, tmp_path)
    assert not (tmp_path / "checkpoints").exists()


def test_resuming_with_another_recipe_is_refused(tmp_path):
    with pytest.raises(DiskGoneError):
        run(tmp_path, batches=Waves(6, fail))
    for change in ({"seed": 1}, {"schedule": StepDecay()}):
        with pytest.raises(ValueError, match="another recipe"):
            run(tmp_path, dataclasses.replace(RECIPE, **change))


def test_damaged_checkpoints_are_refused_by_name(tmp_path):
    with pytest.raises(DiskGoneError):
        run(tmp_path, batches=Waves(9, fail))
    folder = tmp_path / "checkpoints"
    files = [path for path in (folder / "step_00000008").rglob("*") if path.is_file() and path.stat().st_size > 0]
    rng = np.random.default_rng(0)
    for path in files:
        good = path.read_bytes()
        bad = bytearray(good)
        bad[rng.integers(len(bad))] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(bad))
        with pytest.raises(CheckpointError, match="checksum does not match"):
            run(tmp_path)
        path.write_bytes(good)
    # How far it has come, with which error, by which recipe.
    description = folder / "step_00000008.json"
    good = description.read_bytes()
    for place in rng.integers(len(good), size=30):
        bad = bytearray(good)
        bad[place] ^= 1 << int(rng.integers(8))
        description.write_bytes(bytes(bad))
        with pytest.raises(ValueError, match=r"is damaged|checksum does not match|another recipe"):
            run(tmp_path)
    # A state that was being written when the process died does not count.
    (folder / "step_00000012").mkdir()
    (folder / "step_00000008.json").unlink()
    run(tmp_path)
    assert [line["step"] for line in read_metrics(tmp_path)] == [4, 8, 12]


def test_a_lost_best_state_is_noticed_before_training_goes_on(tmp_path):
    errors = iter([1.0, 2.0])
    with pytest.raises(DiskGoneError):
        fit(fresh(), objective, Waves(9, fail), lambda model: {"error": next(errors)}, RECIPE, tmp_path)
    (tmp_path / "checkpoints" / "step_00000004.json").unlink()
    with pytest.raises(CheckpointError, match=r"best state in .* of step 4, is damaged or missing"):
        run(tmp_path)


def test_batches_that_do_not_divide_are_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be cut into 3 equal parts"):
        TrainingRecipe(batch_size=16, num_micro_batches=3)
    with pytest.raises(ValueError, match="at least 1"):
        TrainingRecipe(num_steps=0)
    with pytest.raises(ValueError, match=r"lies in \[0, 1\)"):
        TrainingRecipe(averaging=1.0)
    with pytest.raises(ValueError, match=r"lies in \[0, 1\)"):
        WarmupCosine(warmup=1.0)


def test_event_files_hold_the_metrics(tmp_path, whole):
    run(tmp_path, dataclasses.replace(RECIPE, num_steps=4), tensorboard=True)
    (events,) = tmp_path.glob("events.out.tfevents.*")
    assert b"error" in events.read_bytes()
    assert json.loads((tmp_path / "metrics.jsonl").read_text())["step"] == 4


def test_stages_of_a_step_decay():
    rate = StepDecay(num_stages=3, factor=0.5)(12, 0.8)
    with jax.numpy_dtype_promotion("standard"):
        np.testing.assert_allclose([float(rate(step)) for step in (0, 3, 4, 8, 11)], [0.8, 0.8, 0.4, 0.2, 0.2])
        uneven = StepDecay(num_stages=6, factor=0.5)(20, 1.0)
        np.testing.assert_allclose([float(uneven(step)) for step in (2, 3, 16, 17, 19)], [1, 0.5, 2**-4, 2**-5, 2**-5])
