"""SineNet: published parameter counts, equivariance, what is refused; the resampling beneath it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpy_layers as reference
import pytest
from compiled import compiled
from random_weights import drawn, num_parameters

from fieldcast.surrogates.layers.conditioning import FiLM
from fieldcast.surrogates.layers.resample import bicubic_upsample, fourier_resample, linear_resample
from fieldcast.surrogates.layers.scalar_conditioning import Shift
from fieldcast.surrogates.operators.sinenet import SineNet


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"num_waves": 1, "multiplier": 2.0, "width": 128}, (135_094_659, 135_128_068, 135_087_747)),
        ({"num_waves": 1, "multiplier": 2.0}, (33_788_099, 33_804_804, 33_784_643)),
        ({"num_waves": 2, "multiplier": 1.8075}, (35_499_989, 35_516_694, 35_496_533)),
        ({"num_waves": 4, "multiplier": 1.611}, (35_493_699, 35_510_404, 35_490_243)),
        ({"num_waves": 6, "multiplier": 1.5}, (35_475_499, 35_492_204, 35_472_043)),
        ({}, (35_490_219, 35_506_924, 35_486_763)),
        ({"dual": False}, (32_831_403, 32_848_108, 32_827_947)),
        ({"num_waves": 1, "num_blocks": 8}, (28_628_084, 28_644_789, 28_624_628)),
    ],
)
def test_published_number_of_parameters(settings, expected):
    """Of incompressible (4 frames of 3 fields), compressible (10 of 4) and shallow-water (2 of 3) flow."""
    model = eqx.filter_eval_shape(lambda key: SineNet(12, 3, **settings, key=key), jax.random.key(0))
    ends = num_parameters((model.lift, model.project))
    between, width = num_parameters(model) - ends, model.lift.weight.shape[0]
    counts = [between + 9 * width * (i + o) + width + o for i, o in ((12, 3), (40, 4), (6, 3))]
    assert counts[0] == num_parameters(model)
    assert tuple(counts) == expected


def tiny(num_spatial_dims=2, **settings):
    settings = {"num_waves": 1} | settings
    return drawn(
        lambda key: SineNet(2, 3, num_spatial_dims, width=4, multiplier=1.5, num_levels=2, **settings, key=key)
    )


def double_conv(block, x, token, periodic):
    x = reference.gelu(reference.group_norm(reference.conv(x, block.first, periodic), block.first_norm))
    if block.modulation is not None:
        said = reference.linear(token, block.modulation.linear)
        scale, shift = np.split(said, 2) if isinstance(block.modulation, FiLM) else (np.zeros(len(said)), said)
        x = x * reference.along_channels(1.0 + scale, x.ndim) + reference.along_channels(shift, x.ndim)
    return reference.gelu(reference.group_norm(reference.conv(x, block.second, periodic), block.second_norm))


def stage(layer, x, joined, token, periodic):
    y = double_conv(layer.blocks[0], joined, token, periodic) + reference.pointwise(x, layer.shortcut)
    for block in layer.blocks[1:]:
        y = double_conv(block, y, token, periodic) + y
    return y


def dense(model, u, parameters=(), periodic=False, dual=True):
    """Waves of two levels, written out."""
    token = 0.0
    for number, perceptron in zip(parameters, model.embedding.perceptrons if model.embedding else (), strict=True):
        phases = number * np.array([1.0, 0.01])  # width 4: 10000^(-i/2)
        hidden = reference.gelu(
            reference.linear(np.concatenate([np.cos(phases), np.sin(phases)]), perceptron.layers[0])
        )
        token = token + reference.linear(hidden, perceptron.layers[1])
    x = reference.conv(np.asarray(u), model.lift, periodic)
    for number in range(len(model.waves.down[0].shortcut.weight)):
        wave = jax.tree.map(lambda leaf, number=number: leaf[number], model.waves)
        half = reference.pool(x)
        first = stage(wave.down[0], half, half, token, periodic)
        quarter = reference.pool(first)
        joined = np.concatenate([quarter, reference.pool(half)]) if dual else quarter
        second = stage(wave.down[1], quarter, joined, token, periodic)
        risen = reference.bicubic(second, periodic)
        y = stage(wave.up[1], risen, np.concatenate([first, risen]), token, periodic)
        risen = reference.bicubic(y, periodic)
        x = x + stage(wave.up[0], risen, np.concatenate([x, risen]), token, periodic)
    return reference.conv(x, model.project, periodic)


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((8, 12), {"periodic": True, "num_waves": 2}),
        ((8, 8), {"dual": False, "num_blocks": 2}),
        ((12,), {"periodic": True}),
        ((4, 8, 4), {}),
    ],
)
def test_layer_by_layer(shape, settings, x64, getkey):
    model = tiny(len(shape), **settings)
    u = jax.random.normal(getkey(), (2, *shape))
    settings = {name: value for name, value in settings.items() if name in ("periodic", "dual")}
    np.testing.assert_allclose(compiled(model)(u), dense(model, u, **settings), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("modulation", [FiLM, Shift])
def test_conditioned_on_lead_time_and_coefficient(modulation, x64, getkey):
    model = tiny(num_parameters=2, modulation=modulation)
    u, call = jax.random.normal(getkey(), (2, 8, 8)), compiled(model)
    answer = call(u, jnp.array([3.0, 0.4]))
    np.testing.assert_allclose(answer, dense(model, u, (3.0, 0.4)), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("modulation", [FiLM, Shift])
def test_conditioning_starts_as_the_identity(modulation, getkey):
    x = jax.random.normal(getkey(), (3, 5))
    np.testing.assert_array_equal(modulation(4, 3, key=getkey())(x, jnp.arange(4.0)), x)


@pytest.mark.parametrize("periodic", [True, False])
def test_shifts_by_a_coarse_cell_pass_through_a_periodic_network(periodic, x64, getkey):
    model = compiled(tiny(1, periodic=periodic))
    u = jax.random.normal(getkey(), (2, 16))
    error = jnp.roll(model(u), 4, 1) - model(jnp.roll(u, 4, 1))
    assert (float(jnp.max(jnp.abs(error))) < 1e-10) == periodic


def test_what_does_not_fit_is_refused(getkey):
    model = tiny()

    def refused(*arguments):
        return eqx.filter_eval_shape(model, *arguments)

    with pytest.raises(ValueError, match=r"halves the grid 2 times.*divisible by 4; got \(16, 18\)"):
        refused(jnp.zeros((2, 16, 18)))
    with pytest.raises(ValueError, match="takes 2 channel"):
        refused(jnp.zeros((1, 16, 16)))
    with pytest.raises(ValueError, match="conditioned on 0"):
        refused(jnp.zeros((2, 16, 16)), jnp.zeros(1))


@pytest.mark.parametrize("periodic", [True, False])
def test_bicubic_weights_are_keys_kernel(periodic, x64, getkey):
    x = jax.random.normal(getkey(), (1, 7))
    expected = reference.bicubic(np.asarray(x), periodic)
    np.testing.assert_allclose(bicubic_upsample(x, (periodic,)), expected, atol=1e-13)


@pytest.mark.parametrize(("old", "new"), [(9, 16), (16, 9), (8, 24), (24, 8), (10, 15)])
def test_fourier_resampling_is_exact_for_resolved_waves(old, new, x64):
    def function(n):
        x = 2 * np.pi * np.arange(n) / n
        return jnp.asarray(0.3 + np.cos(3 * x) - 2 * np.sin(2 * x))[None]

    np.testing.assert_allclose(fourier_resample(function(old), (new,)), function(new), atol=1e-13)


def test_linear_resampling_keeps_shared_points(x64, getkey):
    x = jax.random.normal(getkey(), (1, 6))
    fine = linear_resample(x, (12,), (True,))
    np.testing.assert_allclose(fine[:, ::2], x, atol=1e-14)
    np.testing.assert_allclose(fine[:, 1::2], 0.5 * (x + jnp.roll(x, -1, 1)), atol=1e-14)
