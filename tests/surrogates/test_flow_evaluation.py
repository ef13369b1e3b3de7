"""Steppers against trajectories: exact solvers have no error, known faults have the errors that they must have."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.datasets.trajectory_file import Trajectory
from fieldcast.simulators.stepper import Stepper
from fieldcast.surrogates.evaluation import FlowTests, Persistence, evaluate_stepper
from fieldcast.surrogates.evaluation.flow_statistics import EnergySpectra

NUM_POINTS, NUM_TIMES = 16, 13
X = 2.0 * np.pi * np.arange(NUM_POINTS) / NUM_POINTS
SPEED = 2.0 * np.pi / NUM_POINTS  # one point a unit of time


def waves(phase, growth=0.0):
    """Two channels with waves along x that move by one point a unit of time; the second is three times as large."""
    shift = X[None, :, None] - SPEED * np.arange(NUM_TIMES)[:, None, None] - phase
    size = (1.0 + growth) ** np.arange(NUM_TIMES)[:, None, None]
    pair = [size * np.sin(shift) + 0 * np.ones(4), 3.0 * size * np.cos(shift) + 0 * np.ones(4)]
    return np.stack(pair, axis=1).astype(np.float32)


def trajectories(*fields, interval=0.5):
    header = {
        "name": "waves",
        "times": (3.0 + interval * np.arange(NUM_TIMES)).astype(np.float32),
        "axes": {"x": X.astype(np.float32), "y": np.linspace(-1, 1, 4, dtype=np.float32)},
        "boundary_types": ("PERIODIC", "WALL"),
        "components": ("density", "pressure"),
    }
    return [Trajectory(**header, fields=each) for each in fields]


def waves_as_tests(*fields):
    return FlowTests.of(trajectories(*fields))


class Shift(Stepper):
    """Moves fields along x by so many points, and lets them grow."""

    points: int = eqx.field(static=True)
    dt: float = eqx.field(static=True, default=0.5)
    factor: float = 1.0

    def __call__(self, state):
        return self.factor * jnp.roll(state, self.points, axis=1)


class Fragile(Shift):
    """Raises an error at fields that are larger than the truth ever is."""

    def __call__(self, state):
        return eqx.error_if(super().__call__(state), jnp.max(state) > 3.5, "too large")


class WithMemory(Shift):
    """Goes on as before: twice the last snapshot less the one before it, which is wrong by the curvature of a wave."""

    history = 2

    def __call__(self, state):
        return jnp.stack([state[1], 2.0 * state[1] - state[0]])

    def start(self, frames):
        return frames[-2:]

    def decode(self, state):
        return state[-1]


def test_the_solver_of_the_data_has_no_error():
    found = evaluate_stepper(Shift(1), waves_as_tests(waves(0.0), waves(1.0)), long_steps=40)
    assert found.one_step < 1e-6
    assert found.relative_l2.shape == (2, NUM_TIMES - 1)
    assert np.max(found.relative_l2) < 1e-6
    assert np.max(found.vrmse) < 1e-6
    np.testing.assert_allclose(found.correlation, 1.0, atol=1e-6)
    np.testing.assert_allclose(found.times, 0.5 * np.arange(1, NUM_TIMES))
    assert found.correlation_times == (math.inf, math.inf)
    assert found.blow_up_steps == (None, None)
    assert found.seconds > 0
    for errors in (found.statistics_errors, found.long_run.errors):
        assert max(errors.root_mean_square.values()) < 1e-4
    assert (found.long_run.num_steps, found.long_run.blow_up_step) == (40, None)
    assert found.statistics_errors.spectra["x"] < 1e-4


def test_persistence_has_the_error_of_a_wave_that_runs_away():
    """`|sin(x) - sin(x - s)| / |sin(x - s)| = 2 |sin(s / 2)|`, and a correlation of `cos(s)`."""
    found = evaluate_stepper(Persistence(0.5), waves_as_tests(waves(0.3)))
    shifts = SPEED * np.arange(1, NUM_TIMES)
    np.testing.assert_allclose(found.relative_l2[0], 2.0 * np.abs(np.sin(shifts / 2.0)), rtol=1e-5)
    np.testing.assert_allclose(
        found.vrmse[0], 2.0 * np.sqrt(2.0) * np.abs(np.sin(shifts / 2)) / np.sqrt(2.0), rtol=1e-5
    )
    np.testing.assert_allclose(found.correlation[0], np.cos(shifts), atol=1e-6)
    assert found.one_step == pytest.approx(2.0 * np.sin(SPEED / 2.0), rel=1e-5)
    # cos(2 pi / 16) is above 0.8, cos(4 pi / 16) below
    assert found.correlation_times == (pytest.approx(1.0),)


def test_a_rollout_that_grows_is_stopped_at_its_step():
    """1.3^n of the amplitude, 1.69^n of the variance: above ten times that of the truth first at n = 5."""
    found = evaluate_stepper(Shift(1, factor=1.3), waves_as_tests(waves(0.0)), long_steps=1000)
    assert found.blow_up_steps == (5,)
    np.testing.assert_allclose(found.relative_l2[0, :4], 1.3 ** np.arange(1, 5) - 1.0, rtol=1e-4)
    assert np.all(np.isinf(found.relative_l2[0, 4:]))
    assert found.correlation_times == (pytest.approx(2.5),)
    assert (found.long_run.num_steps, found.long_run.blow_up_step) == (4, 5)
    rms = np.sqrt(np.mean(1.69 ** np.arange(1, 5))) - 1.0
    assert found.long_run.errors.root_mean_square["pressure"] == pytest.approx(rms, rel=1e-4)
    assert found.long_run.errors.spectra["x"] > 0.2


def test_a_step_that_raises_has_blown_up():
    """1.1^n of the amplitude, 3: above 3.5 after two steps, so that the third raises."""
    found = evaluate_stepper(Fragile(1, factor=1.1), waves_as_tests(waves(0.0)), long_steps=10)
    assert found.blow_up_steps == (3,)
    np.testing.assert_allclose(found.relative_l2[0, :2], [0.1, 0.21], rtol=1e-4)
    assert np.all(np.isinf(found.relative_l2[0, 2:]))
    assert found.long_run.blow_up_step == 3
    assert found.one_step == pytest.approx(0.1, rel=1e-4)


def test_a_longer_step_and_a_memory_meet_the_truth_at_their_own_times():
    tests = waves_as_tests(waves(0.0))
    double = evaluate_stepper(Shift(2, dt=1.0), tests, start=3)
    np.testing.assert_allclose(double.times, np.arange(1.0, 5.0))
    assert np.max(double.relative_l2) < 1e-6
    assert tests.earliest_start(WithMemory(0)) == 1
    remembered = evaluate_stepper(WithMemory(0), tests)
    assert remembered.relative_l2.shape == (1, NUM_TIMES - 2)
    # u'' of a wave by second differences: |u(t+1) - 2 u(t) + u(t-1)| = 4 sin^2(s / 2) |u|
    assert remembered.one_step == pytest.approx(4.0 * np.sin(SPEED / 2.0) ** 2, rel=1e-4)
    assert remembered.relative_l2[0, 0] == pytest.approx(remembered.one_step, rel=1e-4)


def test_what_does_not_fit_is_refused():
    tests = waves_as_tests(waves(0.0))
    with pytest.raises(ValueError, match=r"time step, 0\.7, is no multiple"):
        evaluate_stepper(Persistence(0.7), tests)
    with pytest.raises(ValueError, match="cannot start from snapshot 12 of 13"):
        evaluate_stepper(Persistence(0.5), tests, start=12)
    with pytest.raises(ValueError, match="cannot start from snapshot 0"):
        evaluate_stepper(WithMemory(0), tests, start=0)
    with pytest.raises(ValueError, match=r"the interval 0\.5 between snapshots, got 0\.25"):
        FlowTests.of([*trajectories(waves(0.0)), *trajectories(waves(0.0), interval=0.25)])


def test_spectra_hold_the_variance_of_the_waves():
    tests = waves_as_tests(waves(0.0))
    spectrum = EnergySpectra(tests.grid)(jnp.asarray(tests.fields[0][0]))["x"]
    expected = np.zeros((2, 9))
    expected[:, 1] = 0.5, 4.5
    np.testing.assert_allclose(spectrum, expected, atol=1e-6)
    np.testing.assert_allclose(EnergySpectra(tests.grid).wavenumbers()["x"], np.arange(9.0), rtol=1e-5)
