"""From trajectories to a stepper: objectives by hand, statistics, runs that come back in one line."""

import dataclasses
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np
import pytest
from compiled import hasty_compiler
from wave_data import COMPONENTS, snapshots, write_waves

from fieldcast.datasets.trajectory_file import trajectory_header
from fieldcast.datasets.windows import TrajectoryWindows, trajectory_paths
from fieldcast.simulators.rollout import rollout
from fieldcast.surrogates.checkpoint import CheckpointError
from fieldcast.surrogates.flow_domain import FlowDomain
from fieldcast.surrogates.flow_training import FlowData, field_statistics, rollout_error, train_stepper
from fieldcast.surrogates.learned_stepper import (
    LearnedStepper,
    StepperRecipe,
    build_stepper,
    load_stepper,
    save_stepper,
)
from fieldcast.surrogates.losses import MeanSquaredError, RelativeL2
from fieldcast.surrogates.operator_recipes import (
    ClassicUNetRecipe,
    DilResNetRecipe,
    FFNORecipe,
    FNORecipe,
    IFactFormerRecipe,
    IFNORecipe,
    InterpolatedUNetRecipe,
    LocalFNORecipe,
    OFormerRecipe,
    OperatorRecipe,
    SineNetRecipe,
    UNetRecipe,
    ViTRecipe,
)
from fieldcast.surrogates.training import TrainingRecipe
from fieldcast.surrogates.training.objectives import Noisy, Unrolled
from fieldcast.surrogates.wrappers import ChannelStatistics

FNO_RECIPE = FNORecipe(modes=4, width=6, num_layers=1, hidden_width=12)
STATISTICS = ChannelStatistics((3.0, 0.0), (1.0, 0.1))
TRAINING = TrainingRecipe(num_steps=60, batch_size=4, learning_rate=2e-2, validate_every=30)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_waves(tmp_path_factory.mktemp("waves"))


@pytest.fixture(scope="module")
def domain(data):
    return FlowDomain.of(trajectory_header(trajectory_paths(data, "train")[0]))


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A run with two snapshots of history on two resolutions."""
    finer = write_waves(tmp_path_factory.mktemp("finer"), num_points=12)
    run = tmp_path_factory.mktemp("runs") / "fno"
    recipe = StepperRecipe(FNO_RECIPE, history=2)
    with hasty_compiler():
        return run, train_stepper(FlowData((data, finer)), recipe, Unrolled(RelativeL2()), TRAINING, run)


def doubling(domain, history=1):
    """A stepper that doubles the last snapshot, as a stand-in for a trained one."""
    recipe = StepperRecipe(FNO_RECIPE, history=history)
    return LearnedStepper(lambda u: 2.0 * u[-2:], domain, STATISTICS, recipe)


def test_domain_is_that_of_the_files(domain):
    assert (domain.name, domain.components, domain.dt) == ("waves", COMPONENTS, 0.5)
    assert (domain.shape, domain.periodic) == ((8, 8), (True, True))
    assert domain.axes[0].length == pytest.approx(1.0)
    assert FlowDomain.from_json(json.loads(json.dumps(domain.to_json()))) == domain


def test_statistics_are_those_of_fields_and_changes(data):
    windows = TrajectoryWindows(trajectory_paths(data, "train"), 2)
    fields, change = field_statistics(windows)
    truth = np.stack([snapshots(seed) for seed in range(4)]).astype(np.float64)
    later, changes = truth[:, 1:], np.diff(truth, axis=1)
    np.testing.assert_allclose(fields.mean, later.mean(axis=(0, 1, 3, 4)), atol=1e-6)
    np.testing.assert_allclose(fields.deviation, later.std(axis=(0, 1, 3, 4)), rtol=1e-6)
    np.testing.assert_allclose(change.deviation, changes.std(axis=(0, 1, 3, 4)), rtol=1e-5)


def test_objectives_by_hand(domain):
    frames, key = jnp.asarray(snapshots(0)), jrandom.key(0)

    def mean_square(difference):
        return float(jnp.mean(difference**2))

    step, loss = doubling(domain), MeanSquaredError()
    assert float(Unrolled(loss)(step, frames[:2], key)) == pytest.approx(mean_square(2 * frames[0] - frames[1]))
    three = sum(mean_square(2.0**k * frames[0] - frames[k]) for k in (1, 2, 3)) / 3
    assert float(Unrolled(loss, 3)(step, frames[:4], key)) == pytest.approx(three, rel=1e-6)
    free = Unrolled(loss, num_free_steps=2)
    assert free.window(history=2) == 5
    expected = mean_square(8.0 * frames[1] - frames[4])
    assert float(free(doubling(domain, history=2), frames[:5], key)) == pytest.approx(expected, rel=1e-6)


def test_gradients_flow_through_unrolled_steps_and_not_through_free_ones(domain):
    frames, key = jnp.asarray(snapshots(0)), jrandom.key(0)

    def gradient(objective):
        def value(factor):
            step = LearnedStepper(lambda u: factor * u, domain, STATISTICS, StepperRecipe(FNO_RECIPE))
            return objective(step, frames[: objective.window(1)], key)

        return float(jax.grad(value)(1.5))

    u, f = frames[0], 1.5
    through = jnp.mean(2 * (f**2 * u - frames[2]) * 2 * f * u) / 2 + jnp.mean(2 * (f * u - frames[1]) * u) / 2
    stopped = jnp.mean(2 * (f**2 * u - frames[2]) * f * u)
    assert gradient(Unrolled(MeanSquaredError(), 2)) == pytest.approx(float(through), rel=1e-5)
    assert gradient(Unrolled(MeanSquaredError(), num_free_steps=1)) == pytest.approx(float(stopped), rel=1e-5)


def test_noise_has_the_size_that_was_asked_for_and_spares_the_target(domain):
    noisy, sizes = Noisy(Unrolled(MeanSquaredError()), 0.3), jnp.asarray([1.0, 0.1])[None, :, None, None]
    frames = jnp.broadcast_to(sizes * jrandom.normal(jrandom.key(2), (1, 2, 64, 64)), (2, 2, 64, 64))
    step = LearnedStepper(lambda u: u, domain, STATISTICS, StepperRecipe(FNO_RECIPE))
    value = float(noisy(step, frames, jrandom.key(1)))
    assert value == pytest.approx(0.3**2 * (1.0**2 + 0.1**2) / 2, rel=0.05)


def test_a_stepper_learns_waves_and_comes_back_in_one_line(trained, data):
    run, stepper = trained
    windows = TrajectoryWindows(trajectory_paths(data, "test"), 6)
    error = rollout_error(stepper, [windows], 4)
    still = LearnedStepper(lambda u: u[-2:], stepper.domain, STATISTICS, stepper.recipe)
    assert error < 0.4 * rollout_error(still, [windows], 4)
    loaded, frames = load_stepper(run), jnp.asarray(windows[0])
    assert eqx.tree_equal(jax.tree.leaves(loaded), jax.tree.leaves(stepper))
    assert (loaded.dt, loaded.components, loaded.history) == (0.5, COMPONENTS, 2)
    with hasty_compiler():
        predicted = rollout(loaded, 4)(loaded.start(frames[:2]))[1]
    relative = jnp.linalg.norm((predicted - frames[2:]).reshape(4, -1), axis=1)
    relative = relative / jnp.linalg.norm(frames[2:].reshape(4, -1), axis=1)
    assert float(jnp.mean(relative)) == pytest.approx(error, rel=1e-4)


def test_a_run_folder_takes_no_other_recipe(trained, data):
    run, _ = trained
    with pytest.raises(ValueError, match=r"another recipe \(different: \['data', 'stepper'\]\)"):
        train_stepper(FlowData((data,)), StepperRecipe(FNO_RECIPE), Unrolled(RelativeL2()), TRAINING, run)


def test_datasets_of_other_intervals_are_refused(data, tmp_path):
    slower, run = write_waves(tmp_path / "slower", interval=1.0), tmp_path / "run"
    with pytest.raises(ValueError, match=r"intervals of 0\.5; that of .*slower.* at intervals of 1"):
        train_stepper(FlowData((data, slower)), StepperRecipe(FNO_RECIPE), Unrolled(RelativeL2()), TRAINING, run)
    assert not run.exists()


def test_states_that_do_not_fit_are_refused(trained):
    _, stepper = trained
    with pytest.raises(ValueError, match="starts from 2 snapshots"):
        stepper.encode(jnp.zeros((2, 8, 8)))
    for shape in ((1, 2, 8, 8), (2, 3, 8, 8), (2, 2, 8)):
        with pytest.raises(ValueError, match="got an array of shape"):
            stepper.start(jnp.zeros(shape))


@pytest.mark.parametrize(
    "recipe",
    [
        FNO_RECIPE,
        IFNORecipe(4, 6, 2, 12),
        IFactFormerRecipe(8, 2, 2),
        IFactFormerRecipe(8, 2, 2, chained=True),
        SineNetRecipe(2, 4, 1.4, 2, circular=False),
        UNetRecipe(4, (1, 2), 1),
        InterpolatedUNetRecipe(4, (1, 2), 1),
        ClassicUNetRecipe(4, 2),
        DilResNetRecipe(4, 1),
        FFNORecipe(3, 6, 1),
        LocalFNORecipe(4, 6, 2),
        LocalFNORecipe(4, 6, 1, radius=0.2),
        OFormerRecipe(4, 8, 2, 1),
        ViTRecipe(4, 8, 1, 2, 8),
    ],
    ids=lambda recipe: type(recipe).__name__,
)
def test_every_kind_is_saved_and_built_again(recipe, domain, tmp_path, numpy_random):
    """Weights and settings: the stored model is of the same structure and has the same numbers."""
    domain = dataclasses.replace(domain, axes=tuple(dataclasses.replace(a, points=a.points * 2) for a in domain.axes))
    assert OperatorRecipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    full = StepperRecipe(recipe, history=2, increment=False, half_precision=True)
    stepper = build_stepper(full, domain, STATISTICS, STATISTICS, key=jrandom.key(0))
    save_stepper(tmp_path, stepper, STATISTICS)
    loaded = load_stepper(tmp_path)
    assert eqx.tree_equal(jax.tree.leaves(loaded), jax.tree.leaves(stepper))
    shapes = [eqx.filter_eval_shape(s, jnp.zeros((2, 2, *domain.shape))) for s in (stepper, loaded)]
    assert shapes[0].shape == shapes[1].shape == (2, 2, *domain.shape)


def test_a_damaged_stepper_is_refused(trained, tmp_path):
    run, _ = trained
    good = (run / "stepper.ckpt").read_bytes()
    rng, end_of_header = np.random.default_rng(0), good.index(b"\n")
    # In the header are the statistics and the time step: a wrong digit there is as bad as a wrong weight.
    for place in (*rng.integers(end_of_header, size=40), *rng.integers(end_of_header + 1, len(good), size=20)):
        content = bytearray(good)
        content[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "stepper.ckpt").write_bytes(bytes(content))
        with pytest.raises(CheckpointError, match=r"checksum|not a fieldcast checkpoint|has format"):
            load_stepper(tmp_path)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_stepper(tmp_path / "nothing")
