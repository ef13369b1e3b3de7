"""The neural operators at the sizes of their papers, and small ones that compile fast."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax

from fieldcast.surrogates.layers.axes import CountingAxis, PeriodicAxis
from fieldcast.surrogates.layers.differential_conv import DifferentialConv
from fieldcast.surrogates.layers.local_integral_conv import LocalIntegralConv
from fieldcast.surrogates.operators import (
    FFNO,
    FNO,
    IFNO,
    ClassicUNet,
    DilResNet,
    IFactFormer,
    InterpolatedUNet,
    LocalFNO,
    OFormer,
    SineNet,
    UNet,
    ViT,
)

CHANNEL = (CountingAxis(4 * math.pi), CountingAxis(2.0), CountingAxis(4 * math.pi / 3))
TORUS = (PeriodicAxis(1.0), PeriodicAxis(1.0))


class Case(NamedTuple):
    """A model, `make(key)`, and the field it is applied to."""

    make: Callable[[jax.Array], Callable]
    channels: int
    grid: tuple[int, ...]


def differential(modes: int, width: int, points: int) -> Callable:
    """Differences in the last of four layers."""

    def make(key: jax.Array) -> LocalFNO:
        local = [None, None, None, DifferentialConv(2, width, width, points, key=key)]
        return LocalFNO(1, 1, (modes, modes), local, width, key=key)

    return make


def integral(modes: int, width: int, radius: float) -> Callable:
    """Integrals over a ball in all four layers."""

    def make(key: jax.Array) -> LocalFNO:
        local = [LocalIntegralConv(2, width, width, radius, key=k) for k in jax.random.split(key, 4)]
        return LocalFNO(1, 1, (modes, modes), local, width, key=key)

    return make


def interpolated(reference_points: int, **settings: object) -> Callable:
    return lambda key: InterpolatedUNet(UNet(3, 1, periodic=True, **settings, key=key), reference_points)


WIDE_KERNELS = {"width": 19, "multipliers": (1, 2, 2, 3), "kernel_size": 9}

PAPERS = {
    # arXiv:2506.10973: one channel of a forced flow on a torus
    "FNO": Case(lambda key: FNO(1, 1, (64, 64), 62, key=key), 1, (128, 128)),
    "LocalFNO, differential": Case(differential(40, 99, 128), 1, (128, 128)),
    "LocalFNO, integral": Case(integral(40, 99, 1 / 64), 1, (128, 128)),
    "UNet, wide kernels": Case(lambda key: UNet(3, 1, **WIDE_KERNELS, key=key), 3, (128, 128)),
    "InterpolatedUNet": Case(interpolated(128, **WIDE_KERNELS), 3, (256, 256)),
    "ViT": Case(lambda key: ViT(1, 1, key=key), 1, (128, 128)),
    "OFormer": Case(lambda key: OFormer(1, 1, TORUS, key=key), 1, (128, 128)),
    # arXiv:2403.19507: four frames of a scalar and a velocity
    "SineNet": Case(lambda key: SineNet(12, 3, key=key), 12, (128, 128)),
    "UNet": Case(lambda key: UNet(12, 3, key=key), 12, (128, 128)),
    "ClassicUNet": Case(lambda key: ClassicUNet(12, 3, key=key), 12, (128, 128)),
    "DilResNet": Case(lambda key: DilResNet(12, 3, key=key), 12, (128, 128)),
    "FFNO": Case(lambda key: FFNO(12, 3, key=key), 12, (128, 128)),
    # arXiv:2412.18840: velocity in a channel
    "IFactFormer": Case(lambda key: IFactFormer(3, 3, CHANNEL, key=key), 3, (32, 33, 16)),
    "IFactFormer, chained": Case(lambda key: IFactFormer(3, 3, CHANNEL, chained=True, key=key), 3, (32, 33, 16)),
    "IFNO": Case(lambda key: IFNO(3, 3, (16, 16, 16), 80, key=key), 3, (32, 33, 16)),
}

SMALL = {
    "FNO": Case(lambda key: FNO(1, 1, (16, 16), 16, 2, key=key), 1, (32, 32)),
    "LocalFNO, differential": Case(differential(12, 16, 32), 1, (32, 32)),
    "LocalFNO, integral": Case(integral(12, 16, 1 / 16), 1, (32, 32)),
    "InterpolatedUNet": Case(interpolated(16, width=8, multipliers=(1,), num_blocks=1), 3, (32, 32)),
    "ViT": Case(lambda key: ViT(1, 1, (4, 4), 8, 64, 1, 4, 128, key=key), 1, (32, 32)),
    "OFormer": Case(lambda key: OFormer(1, 1, TORUS, (8, 8), 32, 4, 1, key=key), 1, (32, 32)),
    "SineNet": Case(lambda key: SineNet(12, 3, num_waves=1, width=8, num_levels=1, key=key), 12, (32, 32)),
    "UNet": Case(lambda key: UNet(12, 3, width=8, multipliers=(1,), num_blocks=1, key=key), 12, (32, 32)),
    "ClassicUNet": Case(lambda key: ClassicUNet(12, 3, width=8, num_levels=1, key=key), 12, (32, 32)),
    "DilResNet": Case(lambda key: DilResNet(12, 3, width=16, num_blocks=1, key=key), 12, (32, 32)),
    "FFNO": Case(lambda key: FFNO(12, 3, modes=8, width=16, num_layers=2, key=key), 12, (32, 32)),
    "IFactFormer": Case(lambda key: IFactFormer(3, 3, CHANNEL, 16, 2, key=key), 3, (16, 17, 8)),
    "IFNO": Case(lambda key: IFNO(3, 3, (4, 4, 4), 16, key=key), 3, (16, 17, 8)),
}


def sizes(quick: bool) -> dict[str, Case]:
    return SMALL if quick else PAPERS
