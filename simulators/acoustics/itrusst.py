"""The scenes of the ITRUSST intercomparison of compressional-wave models, benchmarks 1 to 6 with both sources.

The x axis is that of the source, whose middle is the origin; the sound speeds are piecewise constant. Everything is
as published in Aubry et al., JASA 152(2), 2022, doi:10.1121/10.0013426.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import scipy.fft
from jaxtyping import Float
from scipy import interpolate

from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.layers import Layer
from fieldcast.simulators.acoustics.medium import WATER, Medium, Tissue
from fieldcast.simulators.acoustics.piston import Piston
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

FREQUENCY = 500e3
SURFACE_PRESSURE = 60e3
"""0.04 m/s times the impedance of water [Pa]."""

COMPARISON_PLANE = Grid((241, 141), 0.5e-3, (0.0, -35e-3))
"""The points of the plane z = 0 at which fields are compared."""

_BOUNDARY_LAYER = 16
"""Points around the grid that are taken into account when its size is chosen to suit the FFT: `BornSeries` has them."""


def _tissue(sound_speed: float, density: float, decibel_per_centimetre: float) -> Tissue:
    """From the published attenuation at 500 kHz, which is a quarter of that at 1 MHz when y = 2."""
    power = 2.0
    return Tissue(sound_speed, density, decibel_per_centimetre / (FREQUENCY / 1e6) ** power, power)


LOSSLESS_WATER = _tissue(WATER.sound_speed, WATER.density, 0.0)
ABSORBING_WATER = _tissue(WATER.sound_speed, WATER.density, 1.0)
SKIN = _tissue(1610.0, 1090.0, 0.2)
CORTICAL_BONE = _tissue(2800.0, 1850.0, 4.0)
TRABECULAR_BONE = _tissue(2300.0, 1700.0, 8.0)
BRAIN = _tissue(1560.0, 1040.0, 0.3)


@dataclass(frozen=True)
class Benchmark:
    """Tissue layers, flat or curved, between two half-spaces.

    **Arguments:**

    - `name`: as published, "BM1" to "BM6".
    - `front`: depth x at which the axis of the source meets the first layer [m].
    - `layers`: in the order in which the wave meets them.
    - `before`, `behind`: what fills the rest.
    - `centre`: depth of the layers' common centre of curvature [m]; `None` for flat layers.
    """

    name: str
    front: float = 0.0
    layers: tuple[Layer, ...] = ()
    before: Tissue = LOSSLESS_WATER
    behind: Tissue = LOSSLESS_WATER
    centre: float | None = None

    def medium(self, grid: Grid) -> Medium:
        """The acoustic maps: at each point of `grid` the tissue in which it lies."""
        x, *across = np.meshgrid(*grid.axes(), indexing="ij")
        depth = x
        if self.centre is not None:
            depth = self.centre - np.sqrt((x - self.centre) ** 2 + sum(offset**2 for offset in across))
        faces = self.front + np.cumsum([0.0, *(layer.thickness for layer in self.layers)])
        tissues = (self.before, *(layer.tissue for layer in self.layers), self.behind)
        # A point on a face, give or take rounding, belongs to what lies behind.
        index = np.searchsorted(faces, depth + 1e-6 * grid.spacing, side="right")

        def map_of(name: str):
            return jnp.asarray(np.asarray([getattr(tissue, name) for tissue in tissues])[index], dtype=float)

        power = self.before.attenuation_power
        return Medium(map_of("sound_speed"), map_of("density"), map_of("attenuation"), power, grid)


_BONE = (Layer(CORTICAL_BONE, 6.5e-3),)
_SCALP_AND_SKULL = (
    Layer(SKIN, 4e-3),
    Layer(CORTICAL_BONE, 1.5e-3),
    Layer(TRABECULAR_BONE, 4e-3),
    Layer(CORTICAL_BONE, 1e-3),
)
BENCHMARKS = (
    Benchmark("BM1"),
    Benchmark("BM2", before=ABSORBING_WATER, behind=ABSORBING_WATER),
    Benchmark("BM3", 30e-3, _BONE),
    Benchmark("BM4", 26e-3, _SCALP_AND_SKULL, behind=BRAIN),
    Benchmark("BM5", 30e-3, _BONE, centre=105e-3),
    Benchmark("BM6", 26e-3, _SCALP_AND_SKULL, behind=BRAIN, centre=105e-3),
)


def focused_bowl() -> FocusedBowl:
    """Source SC1, 64 mm wide, focused at 64 mm."""
    return FocusedBowl(
        radius_of_curvature=64e-3,
        aperture_diameter=64e-3,
        frequency=FREQUENCY,
        surface_pressure=SURFACE_PRESSURE,
        position=(0.0, 0.0, 0.0),
        axis=(1.0, 0.0, 0.0),
    )


def piston() -> Piston:
    """Source SC2, 20 mm wide and flat."""
    return Piston(
        diameter=20e-3,
        frequency=FREQUENCY,
        surface_pressure=SURFACE_PRESSURE,
        position=(0.0, 0.0, 0.0),
        axis=(1.0, 0.0, 0.0),
    )


@dataclass(frozen=True)
class Source:
    """A source under its published name, "SC1" or "SC2"."""

    name: str
    transducer: Callable[[], FocusedBowl | Piston]


SOURCES = (Source("SC1", focused_bowl), Source("SC2", piston))


@dataclass(frozen=True)
class Case:
    """A benchmark with one of the sources."""

    benchmark: Benchmark
    source: Source

    @property
    def name(self) -> str:
        return f"{self.benchmark.name}-{self.source.name}"


CASES = {case.name: case for case in itertools.starmap(Case, itertools.product(BENCHMARKS, SOURCES))}
"""All twelve, by names such as "BM3-SC1"."""


def scene(case: Case, spacing: float) -> Scene:
    """The scene of `case` on a grid with `spacing` [m] that covers `COMPARISON_PLANE`.

    The face of the bone at x = 30 mm lies midway between points, because a flat layer is then as thick as the
    published one whenever `spacing` divides its thickness; there is a point on the axis.
    """
    grid = _grid(spacing)
    return Scene(case.benchmark.medium(grid), case.source.transducer())


def comparison_plane(field: PressureField) -> Float[np.ndarray, "x y"]:
    """The amplitude of a field with phase at the points of `COMPARISON_PLANE` [Pa], by quintic splines.

    **Raises:** `ValueError` when the field has no phase, whose amplitude alone is not smooth.
    """
    if not field.has_phase:
        raise ValueError("This field has an amplitude only; it takes its phase as well to interpolate it.")
    middle = field.grid.shape[2] // 2
    plane = np.asarray(field.pressure[:, :, middle], dtype=complex)
    for axis, (have, want) in enumerate(zip(field.grid.axes(), COMPARISON_PLANE.axes(), strict=False)):
        plane = interpolate.make_interp_spline(have, plane, k=5, axis=axis)(want)
    return np.abs(plane)


def _grid(spacing: float) -> Grid:
    """Points at x = 30 mm + (i + 1/2) spacing and y, z = i spacing, two or more beyond every edge of the comparison."""
    (length, width), face = COMPARISON_PLANE.extent, 30e-3
    before = math.ceil(face / spacing + 2.5 - 1e-9)
    behind = math.ceil((length - face) / spacing + 2.5 - 1e-9)
    before = _fast_size(before + behind) - behind
    across = _fast_size(2 * math.ceil(0.5 * width / spacing - 1e-9) + 3, step=2)
    edge = -0.5 * (across - 1) * spacing
    return Grid((before + behind, across, across), spacing, (face - (before - 0.5) * spacing, edge, edge))


def _fast_size(size: int, step: int = 1) -> int:
    """The next size whose FFT is fast with the boundary layer around it."""
    while scipy.fft.next_fast_len(size + 2 * _BOUNDARY_LAYER) != size + 2 * _BOUNDARY_LAYER:
        size += step
    return size
