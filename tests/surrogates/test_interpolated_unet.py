"""The U-Net with interpolated kernels: what they are on denser and coarser grids, and the fast way to apply them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import compiled
from random_weights import drawn

from fieldcast.surrogates.layers.interpolated_conv import InterpolatedConv, hat_convolve, hats_are_cheaper
from fieldcast.surrogates.layers.kernel_interpolation import interpolated_kernel
from fieldcast.surrogates.layers.padded_conv import PaddedConv, padded_convolve
from fieldcast.surrogates.layers.resample import cell_resample
from fieldcast.surrogates.operators.interpolated_unet import InterpolatedUNet
from fieldcast.surrogates.operators.unet import UNet

pytestmark = pytest.mark.usefixtures("x64")


def function(places):
    return 2.0 + places[0] + sum((axis + 1.0) * place for axis, place in enumerate(places))


@pytest.mark.parametrize(("dims", "scale"), [(1, 2.0), (2, 2.0), (3, 3.0), (1, 1.5)])
def test_kernels_that_are_linear_functions_are_sampled(dims, scale):
    old = np.stack(np.meshgrid(*(np.arange(5),) * dims, indexing="ij"))
    new = np.stack(np.meshgrid(*(np.arange(int(scale * 4) + 1) / scale,) * dims, indexing="ij"))
    answer = interpolated_kernel(jnp.asarray(function(old))[None, None], scale)[0, 0]
    np.testing.assert_allclose(answer, function(new) * (5 / (scale * 4 + 1)) ** dims, rtol=1e-13)


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("scale", [0.25, 0.5, 0.75, 1.25, 1.5])
def test_kernels_without_a_point_at_every_place_act_on_the_interpolant(size, scale):
    """So three taps at half the density, whose outer two lie between points."""
    random = np.random.default_rng(0)
    kernel, field = random.normal(size=size), random.normal(size=31)
    half = (size - 1) // 2
    places = np.linspace(-half, half, max(size, round(scale * (size - 1)) + 1))
    densities = np.interp(places, np.arange(-half, half + 1), kernel) * size / len(places)
    expected = densities @ np.interp(scale * places, np.arange(-15, 16), field)
    answer = np.asarray(interpolated_kernel(jnp.asarray(kernel)[None, None], scale)[0, 0])
    reach = len(answer) // 2
    assert answer @ field[15 - reach : 16 + reach] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("stride", [1, 2])
def test_at_half_the_density_the_answer_is_that_of_the_reference_grid(stride):
    """On the field's linear interpolant, with kernels as rough as random numbers."""
    layer = drawn(lambda key: PaddedConv(2, 2, 3, periodic=True, stride=stride, key=key))
    coarse = np.random.default_rng(1).normal(size=(2, 6, 8))
    fine = coarse
    for axis in (1, 2):
        between = 0.5 * (fine + np.roll(fine, -1, axis))
        fine = np.stack([fine, between], axis + 1).reshape(*fine.shape[:axis], -1, *fine.shape[axis + 1 :])
    expected = compiled(layer)(jnp.asarray(fine))[:, ::2, ::2]
    np.testing.assert_allclose(compiled(InterpolatedConv(layer, 0.5))(jnp.asarray(coarse)), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "size", "scale", "stride", "periodic"),
    [
        ((12,), 3, 2, 1, (True,)),
        ((11,), 5, 3, 2, (False,)),
        ((8, 10), 3, 4, 1, (True, False)),
        ((8, 6), 5, 2, 2, (False, True)),
    ],
)
def test_by_hats_it_is_the_same_convolution(shape, size, scale, stride, periodic):
    """And has the same gradients."""
    random = np.random.default_rng(2)
    x = jnp.asarray(random.normal(size=(3, *shape)))
    weight = jnp.asarray(random.normal(size=(2, 3, *(size,) * len(shape))))

    def by_hats(x, weight):
        return hat_convolve(x, weight, scale, periodic, stride)

    def directly(x, weight):
        return padded_convolve(x, interpolated_kernel(weight, scale), periodic, stride)

    def with_gradients(convolve):
        def loss(x, weight):
            y = convolve(x, weight)
            return jnp.sum(jnp.sin(y)), y

        return compiled(jax.grad(loss, (0, 1), has_aux=True))(x, weight)

    for answer, expected in zip(*map(jax.tree.leaves, map(with_gradients, (by_hats, directly))), strict=True):
        np.testing.assert_allclose(answer, expected, atol=1e-12)


def test_the_cheaper_way_is_taken():
    assert not hats_are_cheaper((3, 3), 1)
    assert not hats_are_cheaper((3, 3), 2)
    assert hats_are_cheaper((3, 3), 3)
    assert hats_are_cheaper((9, 9), 2)
    assert not hats_are_cheaper((1, 1), 8)
    layer = drawn(lambda key: PaddedConv(2, 1, 1, key=key))

    def num_convolutions(scale):
        return str(jax.make_jaxpr(InterpolatedConv(layer, scale))(jnp.ones((1, 8, 8)))).count("conv_general_dilated[")

    assert [num_convolutions(scale) for scale in (0.5, 2.0, 2.5, 3.0)] == [1, 1, 1, 9]


@pytest.mark.parametrize("periodic", [True, False])
def test_resampling_between_the_centres_of_cells(periodic):
    x = np.random.default_rng(3).normal(size=6)
    places = (np.arange(9) + 0.5) / 1.5 - 0.5
    if periodic:
        expected = np.interp(places, np.arange(-1, 7), np.take(x, range(-1, 7), mode="wrap"))
    else:
        expected = np.interp(places, np.arange(6), x)
    np.testing.assert_allclose(cell_resample(jnp.asarray(x)[None], (9,), (periodic,))[0], expected, atol=1e-13)


def unet():
    return drawn(lambda key: UNet(2, 1, 1, 4, (1, 2), 1, periodic=True, key=key))


def test_on_the_reference_grid_it_is_the_unet():
    x = jnp.asarray(np.random.default_rng(4).normal(size=(2, 8)))
    np.testing.assert_allclose(compiled(InterpolatedUNet(unet(), 8))(x), compiled(unet())(x), rtol=1e-12)


def test_shifts_pass_through_it_on_a_denser_grid():
    """Also through the changes of density before and after transposed convolutions."""
    model = compiled(InterpolatedUNet(unet(), 8))
    x = jnp.asarray(np.random.default_rng(5).normal(size=(2, 16)))
    np.testing.assert_allclose(jnp.roll(model(x), 4, 1), model(jnp.roll(x, 4, 1)), atol=1e-12)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="without gaps"):
        InterpolatedConv(drawn(lambda key: PaddedConv(1, 1, 1, dilation=2, key=key)), 2.0)
    with pytest.raises(ValueError, match="divisible by 2, got 9"):
        InterpolatedUNet(unet(), 9)
