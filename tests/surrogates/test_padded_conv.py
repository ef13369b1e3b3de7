"""Convolutions of periodic and bounded fields against correlations in SciPy."""

import jax
import numpy as np
import numpy_layers as reference
import pytest
from compiled import compiled
from random_weights import drawn

from fieldcast.surrogates.layers.padded_conv import PaddedConv

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize(
    ("shape", "size", "stride", "dilation"),
    [((9,), 5, 1, 2), ((8, 7), 3, 1, 1), ((8, 10), 3, 2, 1), ((9, 12), 3, 1, 4), ((4, 5, 6), 3, 1, 1)],
)
def test_is_a_correlation(shape, size, stride, dilation, periodic):
    settings = {"periodic": periodic, "stride": stride, "dilation": dilation}
    layer = drawn(lambda key: PaddedConv(len(shape), 3, 2, size, **settings, key=key))
    x = np.random.default_rng(0).normal(size=(3, *shape))
    expected = reference.conv(x, layer, **settings)
    np.testing.assert_allclose(compiled(layer)(x), expected, atol=1e-12)


def test_every_axis_may_be_periodic_or_not():
    layer = drawn(lambda key: PaddedConv(2, 1, 1, periodic=(True, False), key=key))
    x = np.random.default_rng(0).normal(size=(1, 6, 5))
    wide = np.concatenate([x[:, -1:], x, x[:, :1]], axis=1)
    expected = reference.conv(wide, layer)[:, 1:-1]
    np.testing.assert_allclose(compiled(layer)(x), expected, atol=1e-12)


def test_what_has_no_meaning_is_refused():
    for size in (0, 2, 4):
        with pytest.raises(ValueError, match="kernel size must be odd"):
            PaddedConv(2, 1, 1, size, key=jax.random.key(0))
    with pytest.raises(ValueError, match="1, 2 or 3 spatial dimensions"):
        PaddedConv(4, 1, 1, key=jax.random.key(0))
    with pytest.raises(ValueError, match="2 bools"):
        PaddedConv(2, 1, 1, periodic=(True,), key=jax.random.key(0))
