"""U-Nets and the dilated residual network: published parameter counts, layer by layer."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpy_layers as reference
import pytest
from compiled import compiled
from random_weights import drawn, num_parameters

from fieldcast.surrogates.layers.transposed_conv import TransposedConv
from fieldcast.surrogates.operators.classic_unet import ClassicUNet
from fieldcast.surrogates.operators.dilated_resnet import DILATIONS, DilResNet
from fieldcast.surrogates.operators.unet import UNet


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda key: UNet(12, 3, key=key), 144_263_683),
        (lambda key: UNet(40, 4, key=key), 144_280_388),
        (lambda key: UNet(6, 3, key=key), 144_260_227),
        (lambda key: UNet(3, 1, width=19, multipliers=(1, 2, 2, 3), kernel_size=9, key=key), 65_502_463),
        (lambda key: DilResNet(12, 3, key=key), 4_174_595),
        (lambda key: DilResNet(40, 4, key=key), 4_178_308),
        (lambda key: DilResNet(6, 3, key=key), 4_173_827),
        # the classic network's number, and four for each of its 2944 pairs of normalised channels
        (lambda key: ClassicUNet(1, 2, key=key), 31_030_658 + 4 * 2944),
    ],
)
def test_number_of_parameters(make, expected):
    assert num_parameters(eqx.filter_eval_shape(make, jax.random.key(0))) == expected


def random_field(shape, num_channels=2):
    return np.random.default_rng(4).normal(size=(num_channels, *shape))


def risen(x, layer, periodic):
    """Every point of the coarse grid spreads its kernel, one after the other."""
    weight, grid = reference.values(layer.weight), x.shape[1:]
    size = weight.shape[-1]
    y = np.zeros((len(weight), *(2 * n for n in grid)))
    for m in np.ndindex(*grid):
        for k in np.ndindex(*weight.shape[2:]):
            place = [2 * i + j - (size - 2) // 2 for i, j in zip(m, k, strict=True)]
            if periodic:
                place = [p % (2 * n) for p, n in zip(place, grid, strict=True)]
            if all(0 <= p < 2 * n for p, n in zip(place, grid, strict=True)):
                y[(slice(None), *place)] += weight[(..., *k)] @ x[(slice(None), *m)]
    return y + reference.along_channels(layer.bias, x.ndim)


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize(("shape", "size"), [((5,), 4), ((3, 4), 4), ((3, 4), 2), ((2, 3, 2), 4)])
def test_transposed_convolution_spreads_every_point(shape, size, periodic, x64):
    layer = drawn(lambda key: TransposedConv(len(shape), 2, 3, size, periodic=periodic, key=key))
    x = random_field(shape)
    np.testing.assert_allclose(compiled(layer)(jnp.asarray(x)), risen(x, layer, periodic), atol=1e-12)


def dense_dilated(model, u, periodic):
    x = u
    for linear in model.lift:
        x = reference.gelu(reference.pointwise(x, linear))
    for block in model.blocks:
        y = x
        for conv, norm, dilation in zip(block.convs, block.norms, DILATIONS, strict=True):
            y = reference.gelu(reference.conv(reference.group_norm(y, norm), conv, periodic, dilation=dilation))
        x = x + y
    return reference.pointwise(reference.gelu(reference.pointwise(x, model.project[0])), model.project[1])


@pytest.mark.parametrize(("shape", "periodic"), [((10, 9), True), ((12,), False)])
def test_dilated_network_layer_by_layer(shape, periodic, x64):
    model = drawn(lambda key: DilResNet(2, 3, len(shape), 4, 1, periodic, key=key))
    u = random_field(shape)
    np.testing.assert_allclose(compiled(model)(jnp.asarray(u)), dense_dilated(model, u, periodic), atol=1e-10)


def residual(x, block, periodic):
    y = reference.conv(reference.gelu(reference.group_norm(x, block.first_norm)), block.first, periodic)
    y = reference.conv(reference.gelu(reference.group_norm(y, block.second_norm)), block.second, periodic)
    return y + (x if block.shortcut is None else reference.pointwise(x, block.shortcut))


def dense_unet(model, u, periodic):
    """Two levels, with one block each on the way down."""
    fine = reference.conv(u, model.lift, periodic)
    first = residual(fine, model.down[0].blocks[0], periodic)
    halved = reference.conv(first, model.down[0].resample, periodic, stride=2)
    second = residual(halved, model.down[1].blocks[0], periodic)
    x = residual(residual(second, model.middle[0], periodic), model.middle[1], periodic)
    for block, state in zip(model.up[0].blocks, (second, halved), strict=True):
        x = residual(np.concatenate([x, state]), block, periodic)
    x = risen(x, model.up[0].resample, periodic)
    for block, state in zip(model.up[1].blocks, (first, fine), strict=True):
        x = residual(np.concatenate([x, state]), block, periodic)
    return reference.conv(reference.gelu(reference.group_norm(x, model.norm)), model.project, periodic)


@pytest.mark.parametrize(("shape", "periodic"), [((6, 8), True), ((8,), False)])
def test_unet_layer_by_layer(shape, periodic, x64):
    model = drawn(lambda key: UNet(2, 1, len(shape), 3, (2, 2), 1, periodic=periodic, key=key))
    u = random_field(shape)
    np.testing.assert_allclose(compiled(model)(jnp.asarray(u)), dense_unet(model, u, periodic), atol=1e-9)


def pair(x, layer, periodic):
    x = reference.gelu(reference.group_norm(reference.conv(x, layer.first, periodic), layer.first_norm))
    return reference.gelu(reference.group_norm(reference.conv(x, layer.second, periodic), layer.second_norm))


@pytest.mark.parametrize(("shape", "periodic"), [((6, 8), True), ((4, 2, 2), False)])
def test_classic_unet_layer_by_layer(shape, periodic, x64):
    model = drawn(lambda key: ClassicUNet(2, 1, len(shape), 3, 1, periodic, key=key))
    u = random_field(shape)
    kept = pair(u, model.down[0], periodic)
    corners = [kept[(slice(None), *(slice(i, None, 2) for i in corner))] for corner in np.ndindex(*(2,) * len(shape))]
    x = risen(pair(np.max(corners, axis=0), model.down[1], periodic), model.rise[0], periodic)
    expected = reference.pointwise(pair(np.concatenate([kept, x]), model.up[0], periodic), model.project)
    np.testing.assert_allclose(compiled(model)(jnp.asarray(u)), expected, atol=1e-10)


@pytest.mark.parametrize(
    "make", [lambda key: UNet(2, 1, 2, 3, (1, 1, 1), 1, key=key), lambda key: ClassicUNet(2, 1, 2, 3, 2, key=key)]
)
def test_grids_that_cannot_be_halved_are_refused(make):
    with pytest.raises(ValueError, match="divisible by 4"):
        eqx.filter_eval_shape(drawn(make), jnp.zeros((2, 8, 6)))


def test_kernels_that_do_not_double_the_grid_are_refused():
    with pytest.raises(ValueError, match="2 or 4 points"):
        TransposedConv(2, 1, 1, 3, key=jax.random.key(0))
