"""Running statistics against two passes over everything, and merged parts against the whole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.flows.channel_statistics import ChannelStatistics
from fieldcast.simulators.flows.line_spectra import LineSpectra
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.probability_density import ProbabilityDensity
from fieldcast.simulators.flows.shell_spectrum import shell_spectrum
from fieldcast.simulators.rollout import accumulate, rollout
from fieldcast.simulators.statistic import RunningMean, merged

SHAPE = (6, 5, 7)
"""x, y, z"""


@pytest.fixture
def snapshots():
    """Correlated velocities and a passive scalar on top of a mean profile that drifts in time."""
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((8, 4, *SHAPE))
    noise[:, 1] -= 0.4 * noise[:, 0]
    drift = 18.0 + 0.3 * rng.standard_normal((8, 4, 1, SHAPE[1], 1))
    return noise + drift


def two_pass(velocity):
    mean = velocity.mean(axis=(0, 2, 4))
    fluctuation = velocity - mean[None, :, None, :, None]
    return mean, np.einsum("tixyz,tjxyz->ijy", fluctuation, fluctuation) / (len(velocity) * SHAPE[0] * SHAPE[2])


update = jax.jit(lambda statistic, fields: statistic.update(fields))


def updated(statistic, snapshots):
    for fields in snapshots:
        statistic = update(statistic, jnp.asarray(fields))
    return statistic


def assert_same(statistic, other, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), statistic, other)


def test_channel_statistics_are_those_of_two_passes(snapshots, x64):
    mean, stress = two_pass(snapshots[:, :3])
    statistics = updated(ChannelStatistics.empty(SHAPE[1]), snapshots)
    np.testing.assert_allclose(statistics.mean, mean, rtol=1e-13)
    np.testing.assert_allclose(statistics.reynolds_stress, stress, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(statistics.root_mean_square, np.sqrt(np.einsum("iiy->iy", stress)), rtol=1e-12)


def test_single_precision_survives_a_large_mean(snapshots):
    far = (snapshots + 1e3).astype(np.float32)
    mean, stress = two_pass(far[:, :3].astype(np.float64))
    statistics = updated(ChannelStatistics.empty(SHAPE[1], dtype=jnp.float32), far)
    np.testing.assert_allclose(statistics.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(statistics.reynolds_stress, stress, atol=1e-3)  # sums of squares would be off by 0.1


@pytest.mark.parametrize(
    "empty",
    [
        lambda: ChannelStatistics.empty(SHAPE[1]),
        lambda: LineSpectra.empty(2, SHAPE[2], (0, 3)),
        lambda: RunningMean.empty(lambda fields: {"square": jnp.mean(fields**2)}, jnp.zeros((4, *SHAPE))),
    ],
    ids=["channel", "spectra", "mean"],
)
def test_parts_merge_to_the_whole(empty, snapshots, x64):
    start = empty()
    whole = updated(start, snapshots)
    parts = updated(start, snapshots[:3]).merge(updated(start, snapshots[3:]))
    assert_same(parts, whole, rtol=1e-12, atol=1e-13)
    assert_same(start.merge(whole).merge(start), whole, rtol=1e-14, atol=1e-14)
    members = jnp.asarray(snapshots).reshape(4, 2, 4, *SHAPE)
    stacked = jax.vmap(lambda pair: start.update(pair[0]).update(pair[1]))(members)
    assert_same(merged(stacked), whole, rtol=1e-12, atol=1e-13)


def test_total_shear_stress_of_a_known_profile(x64):
    y = np.linspace(-1, 1, SHAPE[1])
    derivative = np.zeros((5, 5))
    for j in range(5):  # the matrix of the interpolating polynomial's derivative, column by column
        derivative[:, j] = np.polyval(np.polyder(np.polyfit(y, np.eye(5)[j], 4)), y)
    statistics = ChannelStatistics(jnp.ones(()), jnp.asarray([1 - y**2, 0 * y, 0 * y]), jnp.zeros((3, 3, 5)))
    stress = 0.3 * jnp.asarray(y)
    statistics = ChannelStatistics(statistics.count, statistics.mean, statistics.reynolds_stress.at[0, 1].set(stress))
    np.testing.assert_allclose(statistics.total_shear_stress(derivative, 0.1), -0.2 * y - 0.3 * y, atol=1e-12)
    np.testing.assert_allclose(statistics.production(derivative), -0.3 * y * (-2 * y), atol=1e-12)


def test_folding_averages_a_flow_with_its_mirror_image(snapshots, x64):
    mirror = snapshots[:, :3, :, ::-1] * np.asarray([1.0, -1.0, 1.0])[:, None, None, None]
    start = ChannelStatistics.empty(SHAPE[1])
    folded = updated(start, snapshots).folded()
    twice = folded.folded()
    assert_same(twice, folded, rtol=1e-14, atol=1e-14)
    mean, stress = two_pass(snapshots[:, :3])
    mirrored_mean, mirrored_stress = two_pass(mirror)
    np.testing.assert_allclose(folded.mean, 0.5 * (mean + mirrored_mean), rtol=1e-12)
    np.testing.assert_allclose(folded.reynolds_stress, 0.5 * (stress + mirrored_stress), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("axis", [0, 2])
def test_spectra_and_correlations_against_direct_sums(axis, snapshots, x64):
    planes = (1, 4)
    spectra = updated(LineSpectra.empty(axis, SHAPE[axis], planes), snapshots)
    velocity = snapshots[:, :3][..., planes, :]
    fluctuation = velocity - velocity.mean(axis=(0, 2, 4), keepdims=True)
    for lag in range(SHAPE[axis] // 2 + 1):
        product = fluctuation * np.roll(fluctuation, -lag, axis=2 + axis)
        np.testing.assert_allclose(spectra.correlation[..., lag], product.mean(axis=(0, 2, 4)), atol=1e-12)
    np.testing.assert_allclose(jnp.sum(spectra.spectrum, axis=-1), (fluctuation**2).mean(axis=(0, 2, 4)), rtol=1e-12)


def test_spectrum_of_a_single_wave(x64):
    z = 2 * np.pi / 8 * np.arange(8)
    wave = jnp.asarray(np.broadcast_to(3.0 + 0.5 * np.cos(2 * z), (1, 4, 3, 8)))
    spectra = LineSpectra.empty(2, 8, (1,), num_components=1).update(wave)
    np.testing.assert_allclose(spectra.spectrum[0, 0], [0, 0, 0.125, 0, 0], atol=1e-15)
    np.testing.assert_allclose(spectra.correlation[0, 0], 0.125 * np.cos(2 * z[:5]), atol=1e-15)
    np.testing.assert_allclose(spectra.wavenumbers(np.pi), [0, 2, 4, 6, 8])


def test_probability_density_is_that_of_all_values_together(snapshots, x64):
    edges = np.linspace(16.0, 20.0, 9)
    density = updated(RunningMean.empty(ProbabilityDensity(edges), jnp.zeros((4, *SHAPE))), snapshots)
    counts, _ = np.histogram(snapshots, edges)
    np.testing.assert_allclose(density.mean, counts / snapshots.size / np.diff(edges), rtol=1e-12)
    with pytest.raises(ValueError, match="rising"):
        ProbabilityDensity((0.0, 0.0))


class Rotation:
    """A step that turns the fields, a mere function."""

    def __call__(self, fields):
        return jnp.roll(fields, 1, axis=1) * 0.9


def test_accumulating_is_a_rollout_that_keeps_nothing(snapshots, x64):
    fields = jnp.asarray(snapshots[0])
    energy = RunningMean.empty(lambda fields: jnp.mean(fields**2), fields)
    statistics = {"channel": ChannelStatistics.empty(SHAPE[1]), "energy": (energy,)}
    last, statistics = jax.jit(accumulate(Rotation(), num_steps=5, inner_steps=2))(fields, statistics)
    expected, trajectory = rollout(Rotation(), num_steps=5, inner_steps=2)(fields)
    np.testing.assert_allclose(last, expected, rtol=1e-14)
    assert_same(statistics["channel"], updated(ChannelStatistics.empty(SHAPE[1]), trajectory), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(statistics["energy"][0].mean, jnp.mean(trajectory**2), rtol=1e-13)
    with pytest.raises(ValueError, match="inner_steps"):
        accumulate(Rotation(), num_steps=5, inner_steps=0)


def test_accumulating_only_a_record(snapshots):
    _, means = rollout(Rotation(), 4, record=jnp.mean)(jnp.asarray(snapshots[0]))
    mean = RunningMean.empty(lambda value: value, jnp.zeros(()))
    _, mean = accumulate(Rotation(), 4, record=jnp.mean)(jnp.asarray(snapshots[0]), mean)
    np.testing.assert_allclose(mean.mean, jnp.mean(means), rtol=1e-6)


def test_shell_spectra_are_averaged_in_a_rollout():
    box = PeriodicBox((4, 6), (1.0, 1.0))
    velocity = jnp.asarray(np.random.default_rng(0).standard_normal((2, 4, 6)), jnp.float32)
    mean = RunningMean.empty(lambda fields: shell_spectrum(fields, box), velocity)
    _, mean = accumulate(Rotation(), 2)(velocity, mean)
    np.testing.assert_allclose(
        mean.mean.sum(), 0.5 * (0.81 + 0.81**2) * 0.5 * (velocity**2).sum(axis=0).mean(), rtol=1e-5
    )
