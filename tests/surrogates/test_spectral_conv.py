"""Spectral convolutions against explicit sums over frequencies, on odd and even grids."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpy_layers as reference
import pytest
from compiled import compiled
from random_weights import drawn

from fieldcast.surrogates.layers.domain_padding import DomainPadding
from fieldcast.surrogates.layers.spectral_conv import FactorisedSpectralConv, SpectralConv

pytestmark = pytest.mark.usefixtures("x64")


def normal(shape):
    return jnp.asarray(np.random.default_rng(0).normal(size=shape))


@pytest.mark.parametrize(
    ("shape", "modes"),
    [
        ((8,), (8,)),
        ((9,), (5,)),
        ((6,), (9,)),
        ((7, 8), (7, 8)),
        ((5, 4), (8, 7)),
        ((4, 5, 6), (3, 4, 4)),
    ],
)
def test_dense_weights_frequency_by_frequency(shape, modes, getkey):
    layer = drawn(lambda key: SpectralConv(3, 2, modes, key=key))
    x = normal((3, *shape))
    np.testing.assert_allclose(compiled(layer)(x), reference.spectral(x, layer, modes), atol=1e-12)


@pytest.mark.parametrize(("shape", "modes"), [((9,), 3), ((5, 6), 9), ((4, 5, 6), 2)])
def test_factorised_weights_line_by_line(shape, modes, getkey):
    layer = drawn(lambda key: FactorisedSpectralConv(3, 2, len(shape), modes, key=key))
    x = normal((3, *shape))
    np.testing.assert_allclose(compiled(layer)(x), reference.spectral_lines(x, layer), atol=1e-12)


@pytest.mark.parametrize("shape", [(6, 5), (7, 8)])
def test_is_a_circular_convolution(shape, getkey):
    layer = compiled(drawn(lambda key: SpectralConv(1, 1, (4, 5), key=key)))
    bias = float(layer(jnp.zeros((1, *shape)))[0, 0, 0])
    impulse = jnp.zeros((1, *shape)).at[0, 0, 0].set(1.0)
    kernel = np.asarray(layer(impulse))[0] - bias
    x = np.asarray(normal((1, *shape)))
    expected = np.full(shape, bias)
    for i, j in np.ndindex(*shape):
        expected += x[0, i, j] * np.roll(kernel, (i, j), (0, 1))
    np.testing.assert_allclose(layer(jnp.asarray(x))[0], expected, atol=1e-12)


def band_limited(shape, largest, num_channels=2):
    """The same function on any grid: random waves with frequencies up to `largest`."""
    random = np.random.default_rng(5)
    field = np.zeros((num_channels, *shape))
    for channel in field:
        for _ in range(6):
            k = random.integers(-largest, largest + 1, len(shape))
            channel += np.real((random.normal() + 1j * random.normal()) * reference.waves(k, shape))
    return field


@pytest.mark.parametrize("kind", ["dense", "factorised"])
def test_the_same_function_at_any_resolution(kind, getkey):
    if kind == "dense":
        layer = drawn(lambda key: SpectralConv(2, 3, (6, 7), key=key))
    else:
        layer = drawn(lambda key: FactorisedSpectralConv(2, 3, 2, 4, key=key))
    coarse, fine = (compiled(layer)(jnp.asarray(band_limited(shape, 3))) for shape in ((9, 8), (27, 40)))
    np.testing.assert_allclose(coarse, fine[:, ::3, ::5], atol=1e-12)
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if eqx.is_array(leaf) else leaf, layer)
    field = jnp.asarray(band_limited((27, 40), 3), dtype=jnp.float32)
    answer = compiled(single)(field)
    assert answer.dtype == jnp.float32
    np.testing.assert_allclose(answer, fine, atol=2e-6 * float(jnp.max(jnp.abs(fine))))


def test_half_precision_fields_are_transformed_in_single_precision(getkey):
    layer = drawn(lambda key: SpectralConv(2, 2, (4, 4), key=key))
    layer = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), layer)
    field = normal((2, 8, 8)).astype(jnp.bfloat16)
    wide = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), layer)
    widened = compiled(wide)(field.astype(jnp.float32))
    answer = compiled(layer)(field)
    assert answer.dtype == jnp.bfloat16
    np.testing.assert_allclose(answer.astype(jnp.float32), widened, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("kind", ["dense", "factorised"])
def test_gradients_are_those_of_finite_differences(kind, getkey):
    if kind == "dense":
        layer = drawn(lambda key: SpectralConv(2, 1, (4, 4), key=key))
    else:
        layer = drawn(lambda key: FactorisedSpectralConv(2, 1, 2, 3, key=key))
    x = normal((2, 4, 5))
    direction = jax.tree.map(jnp.ones_like, layer)

    def loss(step):
        moved = jax.tree.map(lambda leaf, by: leaf + step * by, layer, direction)
        return jnp.sum(jnp.sin(moved((1.0 + step) * x)))

    loss = jax.jit(loss)
    numerical = (loss(1e-5) - loss(-1e-5)) / 2e-5
    np.testing.assert_allclose(jax.grad(loss)(0.0), numerical, rtol=1e-8)


def test_modes_must_be_positive_and_axes_at_most_three(getkey):
    with pytest.raises(ValueError, match="1 to 3 axes"):
        SpectralConv(1, 1, (2, 2, 2, 2), key=getkey())
    with pytest.raises(ValueError, match="positive"):
        SpectralConv(1, 1, (0, 2), key=getkey())


@pytest.mark.parametrize(("fractions", "padded"), [((0.25, 0.0), (10, 6)), ((0.5, 0.1), (12, 7))])
def test_domain_padding_adds_a_fraction_of_zeros_and_takes_it_away(fractions, padded, getkey):
    padding = DomainPadding(fractions)
    x = normal((2, 8, 6))
    y = padding.pad(x)
    assert y.shape[1:] == padded
    np.testing.assert_array_equal(y[:, :8, :6], x)
    assert float(jnp.sum(jnp.abs(y))) == pytest.approx(float(jnp.sum(jnp.abs(x))))
    np.testing.assert_array_equal(padding.crop(y, (8, 6)), x)
    with pytest.raises(ValueError, match="not negative"):
        DomainPadding((-0.1,))
