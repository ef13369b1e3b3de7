"""The U-Net with interpolated kernels: the same function at any density, where the plain U-Net is not."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from compiled import compiled
from random_weights import drawn

from fieldcast.surrogates.layers.kernel_interpolation import interpolated_kernel
from fieldcast.surrogates.operators.interpolated_unet import InterpolatedUNet
from fieldcast.surrogates.operators.unet import UNet

pytestmark = pytest.mark.usefixtures("x64")


def function(places):
    return 2.0 + places[0] + sum((axis + 1.0) * place for axis, place in enumerate(places))


@pytest.mark.parametrize(("dims", "scale"), [(1, 2.0), (2, 2.0), (3, 3.0), (2, 0.5)])
def test_kernels_that_are_linear_functions_are_sampled(dims, scale):
    old = np.stack(np.meshgrid(*(np.arange(5),) * dims, indexing="ij"))
    new = np.stack(np.meshgrid(*(np.arange(int(scale * 4) + 1) / scale,) * dims, indexing="ij"))
    answer = interpolated_kernel(jnp.asarray(function(old))[None, None], scale)[0, 0]
    np.testing.assert_allclose(answer, function(new) * (5 / (scale * 4 + 1)) ** dims, rtol=1e-13)


def test_kernels_without_a_middle_are_refused():
    with pytest.raises(ValueError, match=r"2 on a grid 0\.5 times as dense"):
        interpolated_kernel(jnp.ones((1, 1, 3)), 0.5)


def field(num_points):
    x = 2 * np.pi * (np.arange(num_points) + 0.5) / num_points
    return jnp.asarray(np.stack([np.cos(x), np.sin(2 * x) + 0.3 * np.cos(x)]))


def means(answer, num_cells=8):
    """Over cells that all grids share."""
    return np.asarray(answer).reshape(len(answer), num_cells, -1).mean(-1)


@pytest.mark.parametrize("interpolated", [True, False])
def test_answers_converge_with_interpolated_kernels_only(interpolated):
    unet = drawn(lambda key: UNet(2, 1, 1, 4, (1, 2), 1, kernel_size=5, periodic=True, key=key))
    model = InterpolatedUNet(unet, 16) if interpolated else unet
    answers = [means(compiled(model)(field(n))) for n in (32, 64, 128)]
    steps = [float(np.max(abs(one - other))) for one, other in itertools.pairwise(answers)]
    assert (steps[1] < 0.6 * steps[0]) == interpolated


def test_on_the_reference_grid_it_is_the_unet():
    unet = drawn(lambda key: UNet(2, 1, 1, 4, (1, 2), 1, key=key))
    np.testing.assert_allclose(compiled(InterpolatedUNet(unet, 8))(field(8)), compiled(unet)(field(8)), rtol=1e-12)
