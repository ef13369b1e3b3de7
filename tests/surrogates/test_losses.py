"""Losses and metrics against hand-made numbers."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from fieldcast.simulators.acoustics.focus import find_focus
from fieldcast.simulators.grid import Grid
from fieldcast.surrogates import metrics
from fieldcast.surrogates.losses import (
    AmplitudeLoss,
    MeanSquaredError,
    PeakWeightedError,
    SoftArgmaxError,
    deeptfus_loss,
    gradient_error,
    log_denormalise,
    log_normalise,
    peak_weighted_error,
    peak_weights,
)

pytestmark = pytest.mark.usefixtures("x64")


def test_log_normalised_landmarks_and_inverse(getkey):
    pressure = jnp.asarray([0.0, 3e5, 6e5])
    np.testing.assert_allclose(log_normalise(pressure, 6e5), [0.0, math.log(1.5), math.log(2.0)], rtol=1e-14)
    np.testing.assert_allclose(log_denormalise(log_normalise(pressure, 6e5), 6e5), pressure, rtol=1e-14)
    small = jnp.asarray([1e-9])
    np.testing.assert_allclose(log_denormalise(log_normalise(small, 1.0), 1.0), small, rtol=1e-14)


def test_weights_have_mean_one_and_grow_as_the_exponential(getkey):
    target = jax.random.uniform(getkey(), (4, 5, 6), maxval=math.log(2.0))
    weights = peak_weights(target, alpha=5.0)
    assert float(jnp.mean(weights)) == pytest.approx(1.0, abs=1e-14)
    a, b = (1, 2, 3), (3, 0, 5)
    assert float(weights[a] / weights[b]) == pytest.approx(math.exp(5.0 * float(target[a] - target[b])), rel=1e-12)
    np.testing.assert_allclose(peak_weights(target, alpha=0.0), 1.0, atol=1e-15)
    np.testing.assert_allclose(peak_weights(jnp.zeros((3, 3))), 1.0, atol=1e-15)
    assert bool(jnp.all(jnp.isfinite(peak_weights(1e4 * target))))


def test_weighted_error_point_by_point(getkey):
    prediction, target = np.asarray(jax.random.uniform(getkey(), (2, 3, 2, 4)))
    raw = [math.exp(5.0 * (target[v] - target.max())) for v in np.ndindex(3, 2, 4)]
    squares = [(prediction[v] - target[v]) ** 2 for v in np.ndindex(3, 2, 4)]
    expected = sum(w * s for w, s in zip(raw, squares, strict=True)) / sum(raw)
    assert float(peak_weighted_error(jnp.asarray(prediction), jnp.asarray(target))) == pytest.approx(expected)


def test_slopes_of_a_linear_ramp():
    """`P_hat - P = 2 i - 3 j + k`: differences 2, -3 and 1 everywhere."""
    i, j, k = np.meshgrid(np.arange(4.0), np.arange(5.0), np.arange(6.0), indexing="ij")
    target = jnp.asarray(np.sin(i * j + k))
    prediction = target + jnp.asarray(2.0 * i - 3.0 * j + k)
    assert float(gradient_error(prediction, target)) == pytest.approx((4.0 + 9.0 + 1.0) / 3.0)
    assert float(gradient_error(prediction, target, penalty=jnp.abs)) == pytest.approx((2.0 + 3.0 + 1.0) / 3.0)
    assert float(gradient_error(target + 7.0, target)) == pytest.approx(0.0, abs=1e-20)
    flat = gradient_error(prediction[0], target[0])
    assert float(flat) == pytest.approx((9.0 + 1.0) / 2.0)


def test_the_loss_is_the_sum_of_both_with_the_published_weights(getkey):
    prediction, target = jax.random.uniform(getkey(), (2, 4, 4, 4))
    expected = peak_weighted_error(prediction, target, 5.0) + 0.1 * gradient_error(prediction, target)
    assert float(deeptfus_loss(prediction, target)) == pytest.approx(float(expected), rel=1e-14)
    assert float(deeptfus_loss(target, target)) == 0.0
    only_weighted = deeptfus_loss(prediction, target, alpha=2.0, gradient_weight=0.0)
    assert float(only_weighted) == pytest.approx(float(peak_weighted_error(prediction, target, 2.0)), rel=1e-14)


def test_the_gradient_of_the_loss_is_its_slope(getkey):
    prediction, target = jax.random.uniform(getkey(), (2, 3, 3, 2))

    def loss(flat):
        return float(deeptfus_loss(jnp.asarray(flat).reshape(3, 3, 2), target))

    differences = optimize.approx_fprime(np.asarray(prediction).ravel(), loss, 1e-7)
    np.testing.assert_allclose(jax.grad(deeptfus_loss)(prediction, target).ravel(), differences, atol=1e-6)


def blob(grid, centre, peak=1.0, width=2.5e-3):
    points = np.asarray(grid.points())
    distance = sum((points[axis] - centre[axis]) ** 2 for axis in range(grid.ndim))
    return peak * np.exp(-distance / (2.0 * width**2))


def test_metrics_of_a_field_with_itself_and_of_scaled_fields():
    grid = Grid((16, 16, 16), 1e-3)
    field = blob(grid, (0.5e-3, -1.5e-3, 2.5e-3))
    focus = find_focus(field, grid)
    assert metrics.relative_l2(field, field) == 0.0
    assert metrics.relative_l2(1.3 * field, field) == pytest.approx(0.3)
    assert metrics.peak_pressure_error(0.8 * field, field) == pytest.approx(0.2)
    assert metrics.peak_pressure_error(1.25 * field, field) == pytest.approx(0.25)
    assert metrics.focal_position_error(find_focus(2.0 * field, grid), focus) == 0.0
    assert metrics.dice(find_focus(2.0 * field, grid).mask, focus.mask) == 1.0


def test_a_shifted_focus():
    grid = Grid((20, 16, 16), 1e-3)
    here = find_focus(blob(grid, (-0.5e-3, 0.5e-3, 0.5e-3)), grid)
    there = find_focus(blob(grid, (2.5e-3, 4.5e-3, 0.5e-3), peak=3.0), grid)
    assert metrics.focal_position_error(here, there) == pytest.approx(5e-3)
    first, second = (set(map(tuple, np.argwhere(focus.mask))) for focus in (here, there))
    overlap = 2.0 * len(first & second) / (len(first) + len(second))
    assert 0.0 < overlap < 1.0
    assert metrics.dice(here.mask, there.mask) == pytest.approx(overlap)


def test_a_second_lobe_does_not_belong_to_the_focus():
    """Only the connected neighbourhood of the peak counts: a lobe of 0.9 elsewhere leaves the overlap at one."""
    grid = Grid((24, 16), 1e-3)
    main = blob(grid, (-6.5e-3, 0.5e-3), width=1.5e-3)
    with_lobe = main + blob(grid, (6.5e-3, 0.5e-3), peak=0.9, width=1.5e-3)
    assert metrics.dice(find_focus(with_lobe, grid).mask, find_focus(main, grid).mask) == 1.0


def test_dice_of_small_sets():
    a, b = np.zeros((2, 3), bool), np.zeros((2, 3), bool)
    a[0, :2] = b[0, 1:] = True
    assert metrics.dice(a, b) == pytest.approx(0.5)
    assert metrics.dice(a, ~a) == 0.0
    with pytest.raises(ValueError, match="empty"):
        metrics.dice(a & False, b & False)


@pytest.mark.parametrize("metric", [metrics.relative_l2, metrics.peak_pressure_error, metrics.dice])
def test_fields_of_unequal_shape_are_refused(metric):
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3, 2\)"):
        metric(np.ones((2, 3)), np.ones((3, 2)))


def test_a_silent_reference_is_refused():
    for metric, field in itertools.product([metrics.relative_l2, metrics.peak_pressure_error], [np.zeros(3)]):
        with pytest.raises(ValueError, match="zero everywhere"):
            metric(field, field)


def test_soft_peak_of_two_points_is_between_them_by_the_ratio_of_their_weights():
    """Values of 0 and `T ln 3` have weights 1 : 3; everything else is a hundred temperatures below."""
    target, prediction = np.full((2, 1, 5, 6), -3.0)
    target[0, 1, 2], prediction[0, 1, 2], prediction[0, 4, 2] = 0.0, 0.0, 0.03 * math.log(3.0)
    loss = SoftArgmaxError(temperature=0.03)
    assert float(loss(jnp.asarray(prediction), jnp.asarray(target))) == pytest.approx((0.75 * 3) ** 2, rel=1e-10)
    assert float(loss(jnp.asarray(target), jnp.asarray(target))) == 0.0
    with pytest.raises(ValueError, match="temperature"):
        SoftArgmaxError(0.0)


def test_soft_peak_draws_the_prediction_towards_the_target():
    x = jnp.linspace(-1.0, 1.0, 21)
    bump = lambda centre: jnp.exp(-((x - centre) ** 2) / 0.1)[None]  # noqa: E731
    slope = jax.grad(lambda centre: SoftArgmaxError(0.1)(bump(centre), bump(0.2)))
    assert slope(0.0) < 0 < slope(0.4)
    assert float(slope(0.2)) == pytest.approx(0.0, abs=1e-10)


def test_amplitude_loss_by_hand(getkey):
    true, predicted = jax.random.uniform(getkey(), (2, 4, 5, 3), minval=0.1)
    region = np.zeros((4, 5, 3), bool)
    region[1:3, 2:, 1] = True
    grid, inside = PeakWeightedError(2.0), MeanSquaredError()
    t, p, peak, peak_inside = np.asarray(true), np.asarray(predicted), true.max(), np.asarray(true)[region].max()
    expected = float(grid(jnp.log1p(p / peak)[None], jnp.log1p(t / peak)[None]))
    expected += np.sum((np.log1p(p / peak_inside) - np.log1p(t / peak_inside))[region] ** 2) / t.size
    expected += 0.3 * math.log(p.max() / t.max()) ** 2
    assert float(AmplitudeLoss(grid, inside, 0.3)(predicted, true, jnp.asarray(region))) == pytest.approx(expected)
    # A network that predicts nothing at all is told so by a number.
    assert np.isfinite(AmplitudeLoss(grid, inside)(jnp.zeros_like(true), true, jnp.asarray(region)))
