"""DeepTFUS: parameters, ablations, symmetries, precision, a stored output."""

import io
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from random_weights import filled

from fieldcast.surrogates.deeptfus import Conditioning, DeepTFUS
from fieldcast.surrogates.losses import deeptfus_loss

STORED = Path(__file__).parents[1] / "data" / "deeptfus_tiny.npz"
NONE = Conditioning(dynamic_convolution=False, film=False, cross_attention=False)


def tiny(key, num_spatial_dims=2, in_channels=2, out_channels=1, conditioning=None, num_levels=3):
    """Small enough to compile within seconds."""
    return DeepTFUS(
        num_spatial_dims,
        in_channels,
        out_channels,
        base_width=4,
        num_levels=num_levels,
        num_heads=2,
        num_frequencies=3,
        token_width=8,
        conditioning=conditioning,
        key=key,
    )


def scene(num_spatial_dims=2, in_channels=2, num_points=6, key=0):
    """A volume and points, of numbers that do not depend on the precision or the version of JAX."""
    random = np.random.default_rng(key)
    volume = random.uniform(size=(in_channels, *(8, 12, 8)[:num_spatial_dims]))
    points = random.uniform(-1.0, 1.0, size=(num_points, num_spatial_dims))
    return jnp.asarray(volume, dtype=float), jnp.asarray(points, dtype=float)


def num_parameters(model):
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_array)))


@pytest.mark.parametrize(
    ("base_width", "conditioning", "expected"),
    [
        (16, Conditioning(), 2_982_002),
        (16, NONE, 1_343_346),
        (16, Conditioning(dynamic_convolution=False), 2_080_034),
        (16, Conditioning(film=False), 2_924_210),
        (16, Conditioning(cross_attention=False), 2_343_298),
        (8, Conditioning(), 1_438_394),
    ],
)
def test_number_of_parameters(base_width, conditioning, expected):
    """Our own numbers. An open reproduction of width 16 has about 3.4 million."""
    model = eqx.filter_eval_shape(
        lambda key: DeepTFUS(base_width=base_width, conditioning=conditioning, key=key), jax.random.key(0)
    )
    leaves = jax.tree.leaves(model, is_leaf=lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))
    assert sum(leaf.size for leaf in leaves if isinstance(leaf, jax.ShapeDtypeStruct)) == expected


@pytest.mark.parametrize("num_spatial_dims", [2, 3])
def test_the_untrained_network_answers_zero(num_spatial_dims, getkey):
    model = tiny(getkey(), num_spatial_dims, in_channels=3, out_channels=2)
    prediction = eqx.filter_jit(model)(*scene(num_spatial_dims, in_channels=3))
    np.testing.assert_array_equal(prediction.field, np.zeros((2, *(8, 12, 8)[:num_spatial_dims])))
    assert float(prediction.log_scale) == 0.0


def test_every_parameter_is_trained(getkey):
    """With nothing zero any more, field and scale together reach every single array."""
    model = filled(tiny(getkey()), getkey())

    @eqx.filter_jit
    @eqx.filter_grad
    def gradient(model, volume, points):
        prediction = model(volume, points)
        return jnp.sum(prediction.field**2) + prediction.log_scale

    gradients = gradient(model, *scene())
    for path, leaf in jax.tree.leaves_with_path(gradients):
        assert bool(jnp.all(jnp.isfinite(leaf))), jax.tree_util.keystr(path)
        assert float(jnp.max(jnp.abs(leaf))) > 1e-9, f"{jax.tree_util.keystr(path)} gets no gradient."


def test_a_few_steps_from_the_initial_values_reach_every_parameter(getkey):
    """What starts at zero blocks what lies before it only for the first steps; then nothing stays where it was."""
    model = start = tiny(getkey())
    volume, points = scene()
    target = jnp.exp(-(jnp.linspace(-2.0, 2.0, 12) ** 2))[None] * jnp.ones((8, 1))
    optimiser = optax.sgd(0.5)
    state = optimiser.init(eqx.filter(model, eqx.is_array))

    @eqx.filter_jit
    def step(model, state):
        def loss(model):
            prediction = model(volume, points)
            return deeptfus_loss(prediction.field[0], target) + (prediction.log_scale - 1.0) ** 2

        value, gradients = eqx.filter_value_and_grad(loss)(model)
        updates, state = optimiser.update(gradients, state)
        return eqx.apply_updates(model, updates), state, value

    values = []
    for _ in range(5):
        model, state, value = step(model, state)
        values.append(float(value))
    assert values[-1] < 0.8 * values[0]
    arrays = zip(
        jax.tree.leaves_with_path(eqx.filter(model, eqx.is_array)),
        jax.tree.leaves(eqx.filter(start, eqx.is_array)),
        strict=True,
    )
    still = [jax.tree_util.keystr(path) for (path, now), before in arrays if np.array_equal(now, before)]
    assert not still


def test_no_two_weights_start_equal(getkey):
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(tiny(getkey()), eqx.is_array))]
    random = [leaf for leaf in leaves if np.unique(leaf).size > 1]
    assert len(random) > 40
    for index, leaf in enumerate(random):
        for other in random[:index]:
            assert leaf.shape != other.shape or not np.array_equal(leaf, other)


LEFT_OUT = {
    "dynamic_convolution": lambda model: [level.dynamic for level in model.encoder],
    "film": lambda model: [block.film for level in model.decoder for block in (level.first, level.second)],
    "cross_attention": lambda model: [level.attention for level in model.encoder],
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_an_ablation_removes_the_parameters_of_its_path_alone(name, getkey):
    key = getkey()
    full, ablated = tiny(key), tiny(key, conditioning=Conditioning(**{name: False}))
    assert num_parameters(full) - num_parameters(ablated) == num_parameters(LEFT_OUT[name](full)) > 0
    assert num_parameters(LEFT_OUT[name](ablated)) == 0


@pytest.mark.parametrize("name", LEFT_OUT)
def test_each_path_alone_brings_the_points_to_the_field(name, getkey):
    conditioning = Conditioning(**{other: other == name for other in LEFT_OUT})
    model = eqx.filter_jit(filled(tiny(getkey(), conditioning=conditioning), getkey()))
    volume, points = scene()
    here, there = model(volume, points).field, model(volume, -points).field
    assert float(jnp.max(jnp.abs(here - there))) > 1e-3 * float(jnp.max(jnp.abs(here)))


def test_without_any_path_the_points_are_ignored(getkey):
    model = filled(tiny(getkey(), conditioning=NONE), getkey())
    assert model.point_encoder is None
    assert model.pooling is None
    volume, points = scene()
    here, there = (eqx.filter_jit(model)(volume, points * sign) for sign in (1.0, -1.0))
    np.testing.assert_array_equal(here.field, there.field)
    np.testing.assert_array_equal(here.log_scale, there.log_scale)
    assert float(jnp.std(here.field)) > 0.0


def test_the_order_of_the_points_does_not_matter(x64, getkey):
    model = eqx.filter_jit(filled(tiny(getkey()), getkey()))
    volume, points = scene()
    here, there = model(volume, points), model(volume, points[jnp.asarray([4, 1, 5, 0, 2, 3])])
    np.testing.assert_allclose(there.field, here.field, rtol=1e-10, atol=1e-12)
    assert float(there.log_scale) == pytest.approx(float(here.log_scale), rel=1e-10)


def test_the_gradient_in_the_points_is_the_slope_of_the_field(x64, getkey):
    model = filled(tiny(getkey()), getkey(), scale=0.2)
    volume, points = scene()

    @eqx.filter_jit
    def value(points):
        prediction = model(volume, points)
        return jnp.sum(prediction.field**2) + prediction.log_scale

    direction = jax.random.normal(getkey(), points.shape)
    step = 1e-6
    slope = (value(points + step * direction) - value(points - step * direction)) / (2.0 * step)
    assert float(jnp.sum(eqx.filter_jit(jax.grad(value))(points) * direction)) == pytest.approx(float(slope), rel=1e-5)


def test_a_batch_is_what_its_members_are(x64, getkey):
    model = filled(tiny(getkey(), num_spatial_dims=3, num_levels=2), getkey())
    (volume, points), (other_volume, other_points) = scene(3), scene(3, key=1)
    batch = eqx.filter_jit(eqx.filter_vmap(model))(jnp.stack([volume, other_volume]), jnp.stack([points, other_points]))
    single = eqx.filter_jit(model)
    for index, prediction in enumerate([single(volume, points), single(other_volume, other_points)]):
        np.testing.assert_allclose(batch.field[index], prediction.field, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(batch.log_scale[index], prediction.log_scale, rtol=1e-9)


def test_single_and_double_precision_agree(getkey):
    with jax.enable_x64(True):
        model = filled(tiny(jax.random.key(0)), jax.random.key(1))
        volume, points = scene()
        double = eqx.filter_jit(model)(volume, points)
        assert double.field.dtype == jnp.float64
        as_single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if eqx.is_array(leaf) else leaf, model)
        single = eqx.filter_jit(as_single)(volume.astype(jnp.float32), points.astype(jnp.float32))
        assert single.field.dtype == single.log_scale.dtype == jnp.float32
        error = jnp.max(jnp.abs(single.field.astype(float) - double.field)) / jnp.max(jnp.abs(double.field))
        assert 0.0 < float(error) < 1e-4


def test_weights_survive_the_file(getkey):
    model = filled(tiny(getkey()), getkey())
    file = io.BytesIO()
    eqx.tree_serialise_leaves(file, model)
    file.seek(0)
    restored = eqx.tree_deserialise_leaves(file, tiny(getkey()))
    assert eqx.tree_equal(restored, model)


def test_the_stored_output_of_a_tiny_network(x64):
    """The numbers of the first version; a change of this output breaks every checkpoint."""
    prediction = eqx.filter_jit(deterministic(tiny(jax.random.key(0), num_spatial_dims=3, num_levels=2)))(*scene(3))
    with np.load(STORED) as stored:
        np.testing.assert_allclose(prediction.field, stored["field"], rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(prediction.log_scale, stored["log_scale"], rtol=1e-8)


def deterministic(model):
    """The model with weights from NumPy, in the order of its leaves: the same whatever JAX's random numbers are."""
    random = np.random.default_rng(2026)

    def values(leaf):
        return jnp.asarray(0.3 * random.standard_normal(leaf.shape)) if eqx.is_array(leaf) else leaf

    return jax.tree.map(values, model)


@pytest.mark.parametrize(
    ("volume", "points", "message"),
    [
        ((2, 8, 10), (6, 2), r"halves the grid 2 times.*divisible by 4; got \(8, 10\)"),
        ((1, 8, 8), (6, 2), r"2 channel\(s\) on 2 axes.*got shape \(1, 8, 8\)"),
        ((2, 8, 8, 8), (6, 2), r"on 2 axes.*got shape \(2, 8, 8, 8\)"),
        ((2, 8, 8), (6, 3), r"shape \(num_points >= 1, 2\), got \(6, 3\)"),
        ((2, 8, 8), (0, 2), r"got \(0, 2\)"),
    ],
)
def test_what_does_not_fit_is_refused(volume, points, message, getkey):
    with pytest.raises(ValueError, match=message):
        tiny(getkey())(jnp.zeros(volume), jnp.zeros(points))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_spatial_dims": 1}, "2 or 3 dimensions, got 1"),
        ({"num_levels": 1}, "two levels"),
        ({"base_width": 1}, "width of two"),
        ({"num_heads": 3}, "3 heads cannot share"),
    ],
)
def test_settings_that_make_no_network_are_refused(settings, message, getkey):
    with pytest.raises(ValueError, match=message):
        DeepTFUS(key=getkey(), **settings)
