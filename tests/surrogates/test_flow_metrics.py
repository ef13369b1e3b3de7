"""Metrics of flows by hand-worked numbers, analytic fields and what must not change them."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from flow_grids import random_flow

from fieldcast.simulators.flows.channel_statistics import ChannelStatistics
from fieldcast.simulators.flows.chebyshev import chebyshev_points, quadrature_weights
from fieldcast.simulators.flows.sampled_grid import SampledGrid
from fieldcast.surrogates import metrics


def test_errors_of_three_points():
    """Channels 1, 2, 3 and 0, 0, 6 with errors 0, 0, 3 and 1, 1, 4; variances 2/3 and 8."""
    reference = np.asarray([[1.0, 2.0, 3.0], [0.0, 0.0, 6.0]])
    predicted = reference + np.asarray([[0.0, 0.0, 3.0], [1.0, 1.0, 4.0]])
    assert metrics.relative_l2(predicted, reference) == pytest.approx(math.sqrt(27.0 / 50.0))
    expected = 0.5 * (math.sqrt(9.0 / 14.0) + math.sqrt(18.0 / 36.0))
    assert metrics.channel_relative_l2(predicted, reference) == pytest.approx(expected)
    assert metrics.root_mean_square_error(predicted, reference) == pytest.approx(math.sqrt(27.0 / 6.0))
    expected = 0.5 * (math.sqrt(3.0 / (2.0 / 3.0)) + math.sqrt(6.0 / 8.0))
    assert metrics.variance_scaled_error(predicted, reference) == pytest.approx(expected, rel=1e-6)


def test_the_mean_has_a_variance_scaled_error_of_one():
    reference, _ = random_flow((5, 6))
    reference = np.asarray(reference)
    guess = np.broadcast_to(reference.mean(axis=(1, 2), keepdims=True), reference.shape)
    assert metrics.variance_scaled_error(guess, reference) == pytest.approx(1.0, rel=1e-6)
    assert metrics.variance_scaled_error(reference, np.zeros((3, 5, 6))) > 1e3  # epsilon keeps it finite


def test_correlation_knows_no_scale_and_no_offset():
    fields, _ = random_flow((5, 6))
    fields = np.asarray(fields, float)
    assert metrics.pearson_correlation(3.0 * fields + 5.0, fields) == pytest.approx(1.0)
    assert metrics.pearson_correlation(-0.1 * fields, fields) == pytest.approx(-1.0)
    # 1, 2, 4 against 1, 3, 2: deviations (-4, -1, 5)/3 and -1, 1, 0 have the product 1, the squares 14/3 and 2
    pair = metrics.pearson_correlation(np.asarray([[1.0, 2.0, 4.0]]), np.asarray([[1.0, 3.0, 2.0]]))
    assert pair == pytest.approx(1.0 / math.sqrt(28.0 / 3.0))
    half = np.concatenate([fields[:1], np.ones((1, 5, 6))])
    assert metrics.pearson_correlation(half, fields[:2]) == pytest.approx(0.5)  # a constant channel counts as 0


def test_error_against_time_takes_any_metric():
    reference = np.ones((4, 2, 3))
    predicted = reference * np.asarray([1.0, 1.5, 0.0, 3.0])[:, None, None]
    np.testing.assert_allclose(metrics.error_against_time(predicted, reference), [0.0, 0.5, 1.0, 2.0])
    errors = metrics.error_against_time(predicted, reference, metrics.root_mean_square_error)
    np.testing.assert_allclose(errors, [0.0, 0.5, 1.0, 2.0])


@pytest.mark.parametrize(
    ("correlation", "expected"),
    [
        ([0.9, 0.81, 0.79, 0.95], 1.5),
        ([0.9, 0.8, 0.8, 0.8], math.inf),
        ([0.9, 0.85, math.nan, 0.9], 1.5),
        ([0.1, 0.9, 0.9, 0.9], 0.5),
    ],
)
def test_correlation_time(correlation, expected):
    times, correlation = np.asarray([0.5, 1.0, 1.5, 2.0]), np.asarray(correlation)
    assert metrics.correlation_time(times, correlation) == expected
    assert metrics.correlation_time(times, correlation, threshold=0.795) >= expected


def test_energy_and_its_drift():
    y = chebyshev_points(9)
    velocity = np.stack([np.ones((4, 1)) * (1.0 - y**2), np.ones((4, 9))])
    weights = (np.ones(4), quadrature_weights(9))
    # mean of (1 - y^2)^2 over -1..1: 8/15
    assert metrics.kinetic_energy(velocity, weights) == pytest.approx(0.5 * (8.0 / 15.0 + 1.0), rel=1e-12)
    assert metrics.kinetic_energy(2.0 * velocity) == pytest.approx(4.0 * metrics.kinetic_energy(velocity))
    energy = np.asarray([2.0, 3.0, 1.0])
    np.testing.assert_allclose(metrics.energy_drift(energy), [0.0, 0.5, -0.5])
    np.testing.assert_allclose(metrics.energy_drift(energy, reference=4.0), [-0.5, -0.25, -0.75])


def test_profile_errors_of_known_profiles():
    """Mean 10 % too large; deviations of 1.2, 1 and 0.5 times; a shear stress of the wrong sign."""
    profile = jnp.asarray([1.0, 2.0, 3.0, 2.0])
    stress = jnp.zeros((3, 3, 4)).at[jnp.arange(3), jnp.arange(3)].set(profile**2).at[0, 1].set(-0.1 * profile)
    reference = ChannelStatistics(jnp.ones(()), jnp.stack([profile, 0.0 * profile, 0.0 * profile]), stress)
    factors = jnp.asarray([1.2, 1.0, 0.5])
    wrong = (factors[:, None] * factors[None])[..., None] * stress
    wrong = wrong.at[0, 1].set(0.1 * profile)
    found = metrics.profile_errors(ChannelStatistics(jnp.ones(()), 1.1 * reference.mean, wrong), reference)
    errors = (found.mean, found.u_rms, found.v_rms, found.w_rms, found.shear_stress)
    assert errors == pytest.approx((0.1, 0.2, 0.0, 0.5, 2.0), abs=1e-6)


def test_distance_of_spectra():
    reference = np.asarray([[9.0, 4.0, 1.0, 1e-20], [1.0, 2.0, 2.0, 2.0]])
    assert metrics.log_spectral_distance(reference, reference) == 0.0
    assert metrics.log_spectral_distance(3.0 * reference, reference) == pytest.approx(math.log(3.0))
    predicted = reference.copy()
    predicted[0, 0], predicted[0, 3] = 100.0, 1.0  # the mean, and what is below the floor, are not looked at
    predicted[0, 1] = 4.0 * math.e
    assert metrics.log_spectral_distance(predicted, reference) == pytest.approx(math.sqrt(1.0 / 5.0))
    predicted[1, 3] = 0.0  # taken as 1e-12 of the largest, 2
    expected = math.sqrt((1.0 + math.log(1e12) ** 2) / 5.0)
    assert metrics.log_spectral_distance(predicted, reference) == pytest.approx(expected)
    with pytest.raises(ValueError, match="no energy"):
        metrics.log_spectral_distance(np.ones(2), np.asarray([1.0, 0.0]))


def periodic_and_walls():
    axes = {"x": np.arange(8) * 0.25, "y": chebyshev_points(9), "z": np.arange(6) * 0.5}
    return SampledGrid.of({name: points.astype(np.float32) for name, points in axes.items()}, (True, False, True))


def test_divergence_of_fields_with_and_without():
    grid = periodic_and_walls()
    (x, y, z), (k, m) = grid.points(), (math.pi, 2.0 * math.pi / 3.0)
    # the curl of a vector potential has none
    solenoidal = np.stack([np.sin(m * z) * 3 * y**2, 0.0 * y, np.cos(k * x) * 2.0 * y])
    assert metrics.relative_divergence(solenoidal, grid) < 1e-6
    # sin(kx) e_x has nothing else in its gradient
    along = np.stack([np.sin(k * x), 0 * y, 0 * z])
    assert metrics.relative_divergence(along, grid) == pytest.approx(1.0, rel=1e-6)
    # y e_y + x-independent shear y^2 e_x: divergence 1, gradient 1 + (2y)^2 with mean 1 + 4/3
    sheared = np.stack([y**2, y, 0 * z])
    assert metrics.relative_divergence(sheared, grid) == pytest.approx(math.sqrt(1.0 / (7.0 / 3.0)), rel=1e-6)
    assert metrics.relative_divergence(5.0 * sheared + 2.0, grid) == pytest.approx(math.sqrt(3.0 / 7.0), rel=1e-6)
    with pytest.raises(ValueError, match="uniform"):
        metrics.relative_divergence(np.ones_like(sheared), grid)
    with pytest.raises(ValueError, match="one component for each"):
        metrics.relative_divergence(sheared[:2], grid)
