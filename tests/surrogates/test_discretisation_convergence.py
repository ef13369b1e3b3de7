"""The same weights and the same function on ever finer grids: operators between functions converge, others do not."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from compiled import compiled
from random_weights import drawn

from fieldcast.surrogates.layers.axes import BoundedAxis, PeriodicAxis
from fieldcast.surrogates.layers.differential_conv import DifferentialConv
from fieldcast.surrogates.layers.domain_padding import DomainPadding
from fieldcast.surrogates.layers.local_integral_conv import LocalIntegralConv
from fieldcast.surrogates.operators.classic_unet import ClassicUNet
from fieldcast.surrogates.operators.dilated_resnet import DilResNet
from fieldcast.surrogates.operators.ffno import FFNO
from fieldcast.surrogates.operators.fno import FNO
from fieldcast.surrogates.operators.ifactformer import IFactFormer
from fieldcast.surrogates.operators.ifno import IFNO
from fieldcast.surrogates.operators.interpolated_unet import InterpolatedUNet
from fieldcast.surrogates.operators.local_fno import LocalFNO
from fieldcast.surrogates.operators.oformer import OFormer
from fieldcast.surrogates.operators.sinenet import SineNet
from fieldcast.surrogates.operators.unet import UNet
from fieldcast.surrogates.operators.vit import ViT

pytestmark = pytest.mark.usefixtures("x64")

GRIDS = (16, 32, 64)
SHARED = 8
"""Points, or cells, an axis at which the answers are compared."""
LENGTH = 0.1
"""Of axes with rotary positions, which turn slowly enough for the coarsest grid."""


def stretched(s):
    return LENGTH * (s + 0.1 * np.sin(2 * np.pi * s))


TORUS, CHANNEL = (PeriodicAxis(LENGTH),), (BoundedAxis(stretched),)


def points(n):
    return np.arange(n) / n


def cells(n):
    return (np.arange(n) + 0.5) / n


def both_ends(n):
    return stretched(np.arange(n + 1) / n) / LENGTH


def function(places):
    """A sum of a few waves along each axis."""
    wave = 2 * np.pi * np.stack(np.meshgrid(*places, indexing="ij"))
    return jnp.asarray(np.stack([np.cos(wave) + 0.5 * np.sin(3 * wave), np.sin(2 * wave) + 0.3 * np.cos(wave)]).sum(1))


def steps(make, places, dims=1, grids=GRIDS):
    """Relative differences between the answers on a grid and the next, at the points or over the cells they share."""
    model, answers = compiled(drawn(make, scale=0.4)), []
    for n in grids:
        y, factor = np.asarray(model(function([places(n)] * dims)))[0], n // SHARED
        answers.append(
            y.reshape(SHARED, factor).mean(-1) if places is cells else y[(slice(None, None, factor),) * dims]
        )
    size = np.std(answers[-1])
    return [float(np.sqrt(np.mean((one - other) ** 2)) / size) for one, other in itertools.pairwise(answers)]


def local_fno(layer):
    return lambda key: LocalFNO(2, 1, (4,), [layer(key)] * 2, 4, 6, coordinates=False, key=key)


def unet(key):
    return UNet(2, 1, 1, 4, (1, 2), 1, periodic=True, key=key)


SMOOTH, SECOND, FIRST = 10.0, 1.8, 0.8
"""Orders: faster than any power without kinks or ends, second with kinks (ReLU) or trapezia between ends, first where a
function jumps from the end of the domain to its beginning (coordinates, rotations, padding) or by one-sided sums."""

CONVERGING = {
    "FNO": (lambda key: FNO(2, 1, (4,), 4, 2, 6, coordinates=False, key=key), points, SMOOTH),
    "FNO with coordinates": (lambda key: FNO(2, 1, (4,), 4, 2, 6, key=key), points, FIRST),
    "FNO with padding": (lambda key: FNO(2, 1, (4,), 4, 2, 6, padding=DomainPadding((0.25,)), key=key), points, FIRST),
    "FFNO": (lambda key: FFNO(2, 1, 1, 4, 8, 2, head_width=4, coordinates=False, key=key), points, SECOND),
    "IFNO": (lambda key: IFNO(2, 1, (4,), 4, 3, 6, coordinates=False, key=key), points, SMOOTH),
    "LocalFNO, differences": (local_fno(lambda key: DifferentialConv(1, 4, 4, 16, key=key)), points, FIRST),
    "LocalFNO, integrals": (local_fno(lambda key: LocalIntegralConv(1, 4, 4, 0.2, key=key)), points, FIRST),
    "IFactFormer": (lambda key: IFactFormer(2, 1, CHANNEL * 2, 4, 2, 2, key=key), both_ends, SECOND, 2),
    "IFactFormer, chained": (lambda key: IFactFormer(2, 1, CHANNEL * 2, 4, 2, 2, True, key=key), both_ends, SECOND, 2),
    "OFormer": (lambda key: OFormer(2, 1, TORUS, (4,), 4, 2, 1, key=key), points, FIRST),
    "ViT": (lambda key: ViT(2, 1, (4,), 2, 4, 1, 2, 5, key=key), cells, SECOND),
    "InterpolatedUNet": (lambda key: InterpolatedUNet(unet(key), 8), cells, FIRST),
}
PLAIN = {
    "UNet": unet,
    "ClassicUNet": lambda key: ClassicUNet(2, 1, 1, 4, 2, True, key=key),
    "SineNet": lambda key: SineNet(2, 1, 1, 1, 4, 1.5, 1, periodic=True, key=key),
    "DilResNet": lambda key: DilResNet(2, 1, 1, 4, 1, True, key=key),
}


@pytest.mark.parametrize("name", CONVERGING)
def test_operators_between_functions_converge(name):
    make, places, order, *dims = CONVERGING[name]
    coarse, fine = steps(make, places, *dims)
    assert coarse > 1e-9
    assert fine < coarse / 2**order
    assert fine < 0.12


@pytest.mark.parametrize("name", PLAIN)
def test_plain_networks_do_not(name):
    """Four times as dense as their training grid might be, they are not even near an answer.

    Their kernels shrink with the distance of the points, so that what they tend to at last sees no neighbours at all.
    """
    (step,) = steps(PLAIN[name], cells, grids=GRIDS[1:])
    assert step > 0.25
