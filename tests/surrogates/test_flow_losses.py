"""Losses of flows by numbers worked out by hand, and their gradients by finite differences."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from fieldcast.simulators.flows.chebyshev import chebyshev_points, quadrature_weights
from fieldcast.surrogates.losses import (
    ChannelRelativeL2,
    FieldRelativeL2,
    LogSpectralDistance,
    MeanSquaredError,
    PeakWeightedError,
    RelativeH1,
    RelativeL2,
    SumOfLosses,
    deeptfus_loss,
    fields_of,
)

pytestmark = pytest.mark.usefixtures("x64")

LENGTH = 3.0
X = LENGTH * np.arange(12) / 12
SUM = SumOfLosses((MeanSquaredError(), RelativeL2()), (2.0, 0.5))
LOSSES = [
    MeanSquaredError(),
    RelativeL2(),
    ChannelRelativeL2(),
    FieldRelativeL2(((0, 2), (1,))),
    RelativeH1((LENGTH, 2.0)),
    LogSpectralDistance((LENGTH, 2.0)),
    PeakWeightedError(),
    SUM,
]


def test_relative_errors_of_two_points_and_three_channels():
    """Errors 3, 4 | 0, 0 | 2, 0 against fields 6, 8 | 1, 1 | 0, 4: squares 25, 0, 4 of 100, 2, 16."""
    target = jnp.asarray([[6.0, 8.0], [1.0, 1.0], [0.0, 4.0]])
    prediction = target + jnp.asarray([[3.0, 4.0], [0.0, 0.0], [2.0, 0.0]])
    assert float(MeanSquaredError()(prediction, target)) == pytest.approx(29.0 / 6.0)
    assert float(RelativeL2()(prediction, target)) == pytest.approx(math.sqrt(29.0 / 118.0))
    assert float(ChannelRelativeL2()(prediction, target)) == pytest.approx((0.5 + 0.0 + 0.5) / 3.0)
    pairs = FieldRelativeL2(((0, 1), (2,)))
    assert float(pairs(prediction, target)) == pytest.approx((math.sqrt(25.0 / 102.0) + 0.5) / 2.0)
    weighted = RelativeL2(weights=((3.0, 1.0),))  # three quarters for the first point
    assert float(weighted(prediction, target)) == pytest.approx(math.sqrt((3 * 13 + 16) / (3 * 37 + 81)))
    assert float(SUM(prediction, target)) == pytest.approx(2.0 * 29.0 / 6.0 + 0.5 * math.sqrt(29.0 / 118.0))


def test_weights_make_the_norm_that_of_the_integral():
    """`int_{-1}^{1} y^4 dy / int y^2 dy = (2 / 5) / (2 / 3)`, whatever the uneven points."""
    y, x = chebyshev_points(9), np.ones(4)
    weights = (tuple(np.full(4, 0.1)), tuple(quadrature_weights(9)))
    target = jnp.asarray(x[:, None] * y)[None]
    prediction = target + jnp.asarray(x[:, None] * y**2)[None]
    assert float(RelativeL2(weights)(prediction, target)) == pytest.approx(math.sqrt(0.6), rel=1e-12)
    assert float(ChannelRelativeL2(weights)(prediction, target)) == pytest.approx(math.sqrt(0.6), rel=1e-12)
    assert float(MeanSquaredError(weights)(prediction, target)) == pytest.approx(0.2, rel=1e-12)
    with pytest.raises(ValueError, match=r"\(4, 9\) points, the field has \(9, 4\)"):
        RelativeL2(weights)(target.transpose(0, 2, 1), target.transpose(0, 2, 1))


def test_slopes_count_in_the_sobolev_norm():
    """An error `a sin(m k x)` has the square `a^2 / 2 (1 + (m k)^2)`, as has any field."""
    k = 2.0 * math.pi / LENGTH
    target = jnp.asarray(np.sin(k * X)[:, None] * np.ones(5))[None]
    error = jnp.asarray(0.1 * np.sin(4 * k * X)[:, None] * np.ones(5))[None]
    expected = 0.1 * math.sqrt((1.0 + 16.0 * k**2) / (1.0 + k**2))
    assert float(RelativeH1((LENGTH, 2.0))(target + error, target)) == pytest.approx(expected, rel=1e-12)
    # the wave of two points, whose slope is that of its cosine
    highest = jnp.asarray(0.1 * np.cos(6 * k * X)[:, None] * np.ones(5))[None]
    expected = 0.1 * math.sqrt((1.0 + 36.0 * k**2) / (0.5 * (1.0 + k**2)))
    assert float(RelativeH1((LENGTH, 2.0))(target + highest, target)) == pytest.approx(expected, rel=1e-12)


def test_the_spectral_distance_sees_sizes_and_no_phases():
    k = 2.0 * math.pi / LENGTH
    target = jnp.asarray(np.stack([np.sin(k * X) + 0.1 * np.cos(3 * k * X), 5.0 * np.cos(2 * k * X)]))
    loss = LogSpectralDistance((LENGTH,), floor=1e-9)
    assert float(loss(target, target)) == 0.0
    assert float(loss(jnp.roll(target, 2, axis=1) + 7.0, target)) == pytest.approx(0.0, abs=1e-15)
    # of 6 shells the first channel has energy in two, the second in one; twice the field is four times the energy
    expected = (2 + 1) / 12 * math.log(4.0) ** 2
    assert float(loss(2.0 * target, target)) == pytest.approx(expected, rel=1e-6)


def test_fields_by_their_names():
    names = ("density", "velocity_x", "velocity_y", "pressure")
    assert fields_of(names) == ((0,), (1, 2), (3,))
    assert fields_of(("vorticity",)) == ((0,),)


def test_the_peak_weighted_error_is_the_mean_over_channels(getkey):
    prediction, target = jax.random.uniform(getkey(), (2, 2, 4, 5))
    expected = 0.5 * sum(deeptfus_loss(p, t, 3.0, 0.2) for p, t in zip(prediction, target, strict=True))
    assert float(PeakWeightedError(3.0, 0.2)(prediction, target)) == pytest.approx(float(expected), rel=1e-14)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_gradients_are_slopes_and_finite_where_nothing_is_wrong(loss, getkey):
    prediction, target = jax.random.normal(getkey(), (2, 3, 3, 4))
    value = jax.jit(loss)
    differences = optimize.approx_fprime(
        np.asarray(prediction).ravel(), lambda flat: float(value(flat.reshape(prediction.shape), target)), 1e-7
    )
    gradient = jax.jit(jax.grad(loss))
    np.testing.assert_allclose(gradient(prediction, target).ravel(), differences, atol=2e-6)
    assert float(value(target, target)) == 0.0
    assert bool(jnp.all(jnp.isfinite(gradient(target, target))))
    assert hash(loss) is not None  # recipes compare and cache them
    single = jax.eval_shape(loss, *(jax.ShapeDtypeStruct(target.shape, jnp.float32),) * 2)
    assert single.dtype == jnp.float32


def test_a_prediction_that_is_not_a_number_has_no_number_for_a_loss():
    target = jnp.ones((1, 4))
    for loss in (RelativeL2(), ChannelRelativeL2(), MeanSquaredError(), RelativeH1((1.0,))):
        assert math.isnan(float(loss(target.at[0, 1].set(jnp.nan), target)))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: SumOfLosses((RelativeL2(),), (1.0, 2.0)), "1 losses and 2 weights"),
        (lambda: SumOfLosses((RelativeL2(),), (-1.0,)), "at least zero"),
        (lambda: FieldRelativeL2(()), "At least one field"),
        (lambda: LogSpectralDistance((1.0,), floor=0.0), "floor"),
        (lambda: FieldRelativeL2(((0, 4),))(jnp.ones((3, 2)), jnp.ones((3, 2))), "not all among the 3 channels"),
    ],
)
def test_losses_without_sense_are_refused(make, reason):
    with pytest.raises(ValueError, match=reason):
        make()
