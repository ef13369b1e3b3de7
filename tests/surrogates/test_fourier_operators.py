"""FNO, F-FNO, IFNO and LocalFNO: published parameter counts, layer by layer, any resolution."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpy_layers as reference
import pytest
from compiled import compiled
from random_weights import drawn, num_parameters

from fieldcast.surrogates.layers.differential_conv import DifferentialConv
from fieldcast.surrogates.layers.domain_padding import DomainPadding
from fieldcast.surrogates.layers.local_integral_conv import LocalIntegralConv
from fieldcast.surrogates.operators.ffno import FFNO
from fieldcast.surrogates.operators.fno import FNO
from fieldcast.surrogates.operators.ifno import IFNO
from fieldcast.surrogates.operators.local_fno import LocalFNO


def differential(key):
    local = [None, None, None, DifferentialConv(2, 99, 99, 128, key=key)]
    return LocalFNO(1, 1, (40, 40), local, 99, key=key)


def integral(key):
    local = [LocalIntegralConv(2, 99, 99, 1 / 64, key=k) for k in jax.random.split(key, 4)]
    return LocalFNO(1, 1, (40, 40), local, 99, key=key)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda key: FNO(1, 1, (64, 64), 62, key=key), 65_013_187),
        (differential, 66_083_445),
        (integral, 66_191_652),
        (lambda key: FFNO(12, 3, key=key), 30_118_534),
        (lambda key: FFNO(40, 4, key=key), 30_121_352),
        (lambda key: FFNO(6, 3, key=key), 30_117_958),
        (lambda key: FFNO(12, 3, shared=True, key=key), 2_986_630),
        (
            lambda key: IFNO(3, 2, (8, 6, 8), 10, key=key),
            (6 * 10 + 10) + (2 * 8 * 6 * 5 * 100 + 10 + 100) + (10 * 128 + 128 + 128 * 2 + 2),
        ),
    ],
)
def test_number_of_parameters(make, expected):
    assert num_parameters(eqx.filter_eval_shape(make, jax.random.key(0))) == expected


def field(shape, num_channels=2):
    """The same smooth function on any grid."""
    places = np.meshgrid(*(2 * np.pi * np.arange(n) / n for n in shape), indexing="ij")
    phase = sum((axis + 1) * place for axis, place in enumerate(places))
    return jnp.asarray(np.stack([np.cos(phase + c) + 0.5 * np.sin(places[0] - c) for c in range(num_channels)]))


def perceptron(x, layer):
    return reference.pointwise(reference.gelu(reference.pointwise(x, layer.first)), layer.second)


def with_coordinates(u):
    return np.concatenate([u, np.stack(np.meshgrid(*(np.arange(n) / n for n in u.shape[1:]), indexing="ij"))])


def difference(x, layer):
    """One point and one neighbour after the other."""
    weight, y = reference.values(layer.weight), 0.0
    for offset in np.ndindex(*weight.shape[2:]):
        shifted = np.roll(x, [1 - k for k in offset], range(1, x.ndim))
        y = y + np.einsum("oi,i...->o...", weight[(..., *offset)], shifted - x)
    return y * x.shape[1] / layer.reference_points


def fourier_network(model, u, modes, inner, local=None):
    """`inner`: whether each layer has the inner activation; the last has no outer one."""
    x = perceptron(with_coordinates(np.asarray(u)), model.network.lift)
    for index, block in enumerate(model.network.blocks):
        y = reference.spectral(x, block.spectral, modes) + reference.pointwise(x, block.matrix)
        if block.local is not None:
            y = y + difference(x, block.local)
        y = perceptron(reference.gelu(y) if inner[index] else y, block.perceptron)
        y = y + x * reference.along_channels(block.gate, x.ndim)
        x = reference.gelu(y) if index < len(inner) - 1 else y
    return perceptron(x, model.network.project)


@pytest.mark.parametrize(("shape", "modes"), [((9,), (6,)), ((6, 7), (4, 5)), ((4, 5, 4), (3, 4, 2))])
def test_fno_layer_by_layer(shape, modes, x64):
    model = drawn(lambda key: FNO(2, 3, modes, 5, 2, 6, key=key))
    expected = fourier_network(model, field(shape), modes, [True, False])
    np.testing.assert_allclose(compiled(model)(field(shape)), expected, atol=1e-12)


def test_local_fno_layer_by_layer(x64):
    def make(key):
        return LocalFNO(2, 3, (4, 5), [None, DifferentialConv(2, 5, 5, 16, key=key)], 5, 6, key=key)

    model = drawn(make)
    expected = fourier_network(model, field((6, 7)), (4, 5), [True, True])
    np.testing.assert_allclose(compiled(model)(field((6, 7))), expected, atol=1e-12)


def test_ffno_layer_by_layer(x64):
    model = drawn(lambda key: FFNO(2, 3, 2, 3, 4, 2, factor=2, head_width=5, key=key))

    def affine(x, layer):
        direction = reference.values(layer.direction)
        weight = reference.values(layer.length)[:, None] * direction / np.linalg.norm(direction, axis=1)[:, None]
        return np.einsum("oi,i...->o...", weight, x) + reference.along_channels(layer.bias, x.ndim)

    x = affine(with_coordinates(np.asarray(field((6, 7)))), model.lift)
    for spectral, (first, second) in zip(model.spectral, model.perceptrons, strict=True):
        y = affine(np.maximum(affine(reference.spectral_lines(x, spectral), first), 0.0), second)
        x = x + y
    expected = affine(affine(y, model.project[0]), model.project[1])
    np.testing.assert_allclose(compiled(model)(field((6, 7))), expected, atol=1e-12)


def test_ifno_iteration_by_iteration(x64):
    """On a domain with room beside it."""
    padding = DomainPadding((0.5, 0.0))
    model = drawn(lambda key: IFNO(2, 3, (4, 5), 4, 3, 6, padding=padding, key=key))
    layer = model.network.blocks[0]
    x = reference.pointwise(with_coordinates(np.asarray(field((6, 7)))), model.network.lift)
    x = np.pad(x, ((0, 0), (0, 3), (0, 0)))
    for _ in range(3):
        x = x + reference.gelu(reference.spectral(x, layer.spectral, (4, 5)) + reference.pointwise(x, layer.matrix)) / 3
    expected = perceptron(x[:, :6], model.network.project)
    np.testing.assert_allclose(compiled(model)(field((6, 7))), expected, atol=1e-12)


def test_differences_converge_to_derivatives_with_first_order(x64):
    layer = drawn(lambda key: DifferentialConv(1, 2, 1, 32, key=key))
    slopes = (reference.values(layer.weight) * [-1.0, 0.0, 1.0]).sum(-1)[0] / 32  # of the reference distance
    errors = []
    for n in (32, 64, 128):
        x = 2 * np.pi * np.arange(n) / n
        exact = 2 * np.pi * (-slopes[0] * np.sin(x) + 3 * slopes[1] * np.cos(3 * x))
        answer = compiled(layer)(jnp.asarray(np.stack([np.cos(x), np.sin(3 * x)])))
        errors.append(float(np.max(abs(answer[0] - exact))))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(orders, 1.0, atol=0.1)


def test_differences_vanish_on_constants_also_where_the_field_ends(x64):
    layer = drawn(lambda key: DifferentialConv(2, 1, 2, 32, periodic=(False, True), key=key))
    np.testing.assert_allclose(compiled(layer)(jnp.ones((1, 6, 5))), 0.0, atol=1e-13)


def test_basis_of_local_integrals_has_unit_mass_and_a_size_in_the_domain():
    layer = drawn(lambda key: LocalIntegralConv(2, 1, 1, 1 / 64, key=key))
    for num_points, size in ((64, 3), (128, 5), (256, 9)):
        basis = layer.basis(num_points)
        assert basis.shape == (5, size, size)
        np.testing.assert_allclose(basis.sum(axis=(1, 2)), 1.0)
        assert np.all(basis.reshape(5, -1).max(axis=1) > 0)
    with pytest.raises(ValueError, match="finer grid or a larger radius"):
        layer.basis(16)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_basis_of_local_integrals_is_that_of_the_ball(dims):
    """Second moments in the limit, by a fine sum over hat functions written out."""
    layer = drawn(lambda key: LocalIntegralConv(dims, 1, 1, 0.25, key=key))
    axis = (np.arange(80) + 0.5) / 40 - 1.0
    places = np.stack(np.meshgrid(*(axis,) * dims, indexing="ij")) * 0.25
    middle = np.maximum(1.0 - 2.0 * np.linalg.norm(places, axis=0) / 0.25, 0.0)
    moment = (middle * places[0] ** 2).sum() / middle.sum()
    ring = np.maximum(1.0 - abs(2.0 * np.linalg.norm(places, axis=0) / 0.25 - 1.0), 0.0)
    ring_moment = (ring * places[0] ** 2).sum() / ring.sum()
    num_points = 48 if dims < 3 else 32
    basis = layer.basis(num_points)
    offsets = ((np.arange(basis.shape[1]) - basis.shape[1] // 2) / num_points).reshape(-1, *(1,) * (dims - 1))
    moments = (basis * offsets**2).reshape(len(basis), -1).sum(1)
    assert moments[0] == pytest.approx(moment, rel=0.05)
    assert moments[1:].mean() == pytest.approx(ring_moment, rel=0.05)


def test_commutes_with_shifts_where_it_sees_no_coordinates(x64):
    u = field((8, 6))
    for coordinates in (True, False):
        model = compiled(drawn(lambda key, c=coordinates: FNO(2, 1, (4, 4), 4, 1, 6, coordinates=c, key=key)))
        error = float(jnp.max(jnp.abs(jnp.roll(model(u), (3, 1), (1, 2)) - model(jnp.roll(u, (3, 1), (1, 2))))))
        assert (error < 1e-12) == (not coordinates)


def test_what_does_not_fit_is_refused():
    model = drawn(lambda key: FNO(2, 1, (4, 4), 4, 1, 6, key=key))
    with pytest.raises(ValueError, match="takes 2 channel"):
        eqx.filter_eval_shape(model, jnp.zeros((3, 8, 8)))
    with pytest.raises(ValueError, match="on 2 axes"):
        eqx.filter_eval_shape(model, jnp.zeros((2, 8)))
    with pytest.raises(ValueError, match="at least one ring"):
        LocalIntegralConv(2, 1, 1, 0.1, num_rings=0, key=jax.random.key(0))
