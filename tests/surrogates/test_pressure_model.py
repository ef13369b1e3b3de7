"""Between scenes and networks: encoding, the three forms, patches."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import hasty_compiler
from scenes import small_scene

from fieldcast.simulators.acoustics.free_field import FreeField, free_field_table
from fieldcast.surrogates.deeptfus import Conditioning
from fieldcast.surrogates.layers.patches import from_patches, to_patches
from fieldcast.surrogates.model_recipe import ModelRecipe
from fieldcast.surrogates.phase_model import PhaseConditioned
from fieldcast.surrogates.pressure_model import (
    PatchedNetwork,
    PressureModel,
    TransducerConditioned,
    TrueField,
    ct_channel,
    encode,
    free_field_channel,
)

TINY = {"base_width": 4, "num_levels": 2, "num_points": 16}


@pytest.fixture(scope="module")
def inputs():
    scene = small_scene(0)
    return encode(scene.head, scene.transducer, free_field_table(scene.transducer, scene.grid), 16)


def model_of(form: str, patch_size: int, key) -> PressureModel:
    """One of the three forms, tiny."""
    if form != "phase":
        return ModelRecipe(free_field=form == "physics", patch_size=patch_size, **TINY).build(3, key=key)
    return PhaseConditioned(PatchedNetwork(3, 4, 6, patch_size, 4, 2, Conditioning(), key=key))


def truth_of(amplitude, inputs) -> TrueField:
    """A field of this amplitude with the phase of the free field; the focus lies in one half of the grid."""
    phase = jnp.angle(jnp.asarray(inputs.free_field))
    pressure = jax.lax.complex(amplitude * jnp.cos(phase), amplitude * jnp.sin(phase))
    return TrueField(pressure, jnp.arange(24)[:, None, None] + jnp.zeros((24, 24, 24), int) > 12)


def test_encoding_holds_what_it_says(inputs):
    scene = small_scene(0)
    free_field = np.asarray(FreeField()(scene).pressure)
    reference = np.abs(free_field).max()
    np.testing.assert_allclose(inputs.reference, reference, rtol=1e-5)
    np.testing.assert_allclose(inputs.free_field, free_field / reference, atol=1e-5)
    np.testing.assert_allclose(inputs.hounsfield, np.clip(scene.head.hounsfield, 0, 2000) / 2000, rtol=1e-6)
    # The first grid point of an axis lies at -1, the last at 1.
    half = 0.5 * np.asarray(scene.grid.extent)
    points = np.asarray(scene.grid.origin) + half * (1 + np.asarray(inputs.points))
    np.testing.assert_allclose(points, scene.transducer.surface_points(16), atol=1e-6)


@pytest.mark.parametrize(("form", "patch_size"), [("physics", 1), ("physics", 2), ("phase", 2)])
def test_untrained_physics_form_is_the_free_field(inputs, form, patch_size, getkey):
    model = model_of(form, patch_size, getkey())
    np.testing.assert_allclose(model(inputs), np.abs(inputs.free_field), atol=1e-6)
    if form == "phase":
        np.testing.assert_allclose(model.pressure(inputs), inputs.free_field, atol=1e-6)


@pytest.mark.parametrize("form", ["physics", "published", "phase"])
def test_loss_of_the_truth_is_zero_and_of_else_is_not(inputs, form, getkey):
    # Move away from the zero initialisation, where the published form predicts nothing.
    model = jax.tree.map(lambda x: x + 0.01 if eqx.is_inexact_array(x) else x, model_of(form, 2, getkey()))
    amplitude = model(inputs)
    truth = truth_of(amplitude, inputs)
    if form == "phase":
        truth = TrueField(model.pressure(inputs), truth.region)
    highest = jnp.unravel_index(jnp.argmax(amplitude), amplitude.shape)
    wrong = eqx.tree_at(lambda t: t.pressure, truth, truth.pressure.at[highest].multiply(0.2))
    assert model.loss(inputs, wrong) > 1e-6
    if form != "published":  # in the published form scale and shape are learned apart, and need not agree
        assert model.loss(inputs, truth) < 1e-10
    if form == "phase":
        late = eqx.tree_at(lambda t: t.pressure, truth, 1j * truth.pressure)
        assert model.loss(inputs, late) > 1e-6


@pytest.mark.parametrize(
    ("form", "patch_size"), [("physics", 1), ("physics", 2), ("published", 1), ("published", 2), ("phase", 2)]
)
def test_every_parameter_learns(inputs, form, patch_size, getkey):
    model = model_of(form, patch_size, getkey())
    leaves, structure = jax.tree.flatten(eqx.filter(model, eqx.is_inexact_array))
    moved = [x + 0.02 * jax.random.normal(getkey(), x.shape) for x in leaves]
    model = eqx.combine(jax.tree.unflatten(structure, moved), model)
    truth = truth_of(jnp.abs(inputs.free_field) ** 2 * 0.5, inputs)
    with hasty_compiler():
        gradient = eqx.filter_jit(eqx.filter_grad(lambda m: m.loss(inputs, truth)))(model)
    unused = [
        jax.tree_util.keystr(path)
        for path, leaf in jax.tree_util.tree_leaves_with_path(gradient)
        if not bool(jnp.any(leaf != 0))
    ]
    # The scale is the published form's alone; its last tokens answer to nobody after the coarsest level.
    allowed = ("scale",) if form != "published" else ()
    assert [name for name in unused if not any(word in name for word in allowed)] == []


def test_published_form_sees_the_channels_it_is_given(inputs, getkey):
    network = PatchedNetwork(3, 2, 1, 2, 4, 2, Conditioning(), key=getkey())
    model = TransducerConditioned(network, channels=(ct_channel, free_field_channel))
    model = jax.tree.map(lambda x: x + 0.01 if eqx.is_inexact_array(x) else x, model)
    other = eqx.tree_at(lambda x: x.free_field, inputs, 0.5 * inputs.free_field)
    assert not np.allclose(model(inputs), model(other), rtol=1e-3)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_patches_are_where_they_should_be(ndim):
    shape = (4, 6, 8)[:ndim]
    x = np.arange(3 * np.prod(shape), dtype=np.float32).reshape(3, *shape)
    patches = np.asarray(to_patches(jnp.asarray(x), 2))
    for channel in range(3):
        for number, corner in enumerate(itertools.product(range(2), repeat=ndim)):
            window = tuple(slice(offset, None, 2) for offset in corner)
            np.testing.assert_array_equal(patches[channel * 2**ndim + number], x[(channel, *window)])
    np.testing.assert_array_equal(from_patches(jnp.asarray(patches), 2), x)


def test_patches_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not divide"):
        to_patches(jnp.zeros((1, 5, 4)), 2)
    with pytest.raises(ValueError, match="do not make patches"):
        from_patches(jnp.zeros((3, 4, 4)), 2)
