"""Between scenes and networks: encoding, the two forms, patches."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scenes import small_scene

from fieldcast.simulators.acoustics.free_field import FreeField, free_field_table
from fieldcast.surrogates.layers.patches import from_patches, to_patches
from fieldcast.surrogates.model_recipe import ModelRecipe
from fieldcast.surrogates.pressure_model import encode

TINY = {"base_width": 4, "num_levels": 2, "num_points": 16}


@pytest.fixture(scope="module")
def inputs():
    scene = small_scene(0)
    return encode(scene.head, scene.transducer, free_field_table(scene.transducer, scene.grid), 16)


def test_encoding_holds_what_it_says(inputs):
    scene = small_scene(0)
    free_field = np.asarray(FreeField()(scene).amplitude)
    np.testing.assert_allclose(inputs.reference, free_field.max(), rtol=1e-5)
    np.testing.assert_allclose(inputs.free_field, free_field / free_field.max(), atol=1e-5)
    np.testing.assert_allclose(inputs.hounsfield, np.clip(scene.head.hounsfield, 0, 2000) / 2000, rtol=1e-6)
    # The first grid point of an axis lies at -1, the last at 1.
    half = 0.5 * np.asarray(scene.grid.extent)
    points = np.asarray(scene.grid.origin) + half * (1 + np.asarray(inputs.points))
    np.testing.assert_allclose(points, scene.transducer.surface_points(16), atol=1e-6)


@pytest.mark.parametrize("patch_size", [1, 2])
def test_untrained_physics_form_is_the_free_field(inputs, patch_size, getkey):
    model = ModelRecipe(free_field=True, patch_size=patch_size, **TINY).build(3, key=getkey())
    np.testing.assert_allclose(model(inputs), inputs.free_field, atol=1e-6)


@pytest.mark.parametrize("free_field", [True, False])
def test_loss_of_the_truth_is_zero_and_of_else_is_not(inputs, free_field, getkey):
    model = ModelRecipe(free_field=free_field, patch_size=2, **TINY).build(3, key=getkey())
    # Move away from the zero initialisation, where the published form predicts nothing.
    model = jax.tree.map(lambda x: x + 0.01 if eqx.is_inexact_array(x) else x, model)
    truth = model(inputs)
    wrong = truth.at[12, 12, 12].add(0.5 * jnp.max(truth))
    assert model.loss(inputs, wrong) > 1e-6
    if free_field:  # in the published form scale and shape are learned apart, and need not agree
        assert model.loss(inputs, truth) < 1e-10


@pytest.mark.parametrize("free_field", [True, False])
@pytest.mark.parametrize("patch_size", [1, 2])
def test_every_parameter_learns(inputs, free_field, patch_size, getkey):
    model = ModelRecipe(free_field=free_field, patch_size=patch_size, **TINY).build(3, key=getkey())
    leaves, structure = jax.tree.flatten(eqx.filter(model, eqx.is_inexact_array))
    moved = [x + 0.02 * jax.random.normal(getkey(), x.shape) for x in leaves]
    model = eqx.combine(jax.tree.unflatten(structure, moved), model)
    truth = jnp.asarray(inputs.free_field) ** 2 * 0.5
    gradient = eqx.filter_jit(eqx.filter_grad(lambda m: m.loss(inputs, truth)))(model)
    unused = [
        jax.tree_util.keystr(path)
        for path, leaf in jax.tree_util.tree_leaves_with_path(gradient)
        if not bool(jnp.any(leaf != 0))
    ]
    # The scale is the published form's alone; its last tokens answer to nobody after the coarsest level.
    allowed = ("scale",) if free_field else ()
    assert [name for name in unused if not any(word in name for word in allowed)] == []


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
