"""How strongly each grid point radiates for a source that does not lie on grid points."""

import abc
import math
import warnings
from dataclasses import dataclass
from functools import lru_cache

import equinox as eqx
import jax
import numpy as np

from fieldcast.simulators.acoustics.kwave_import import import_kwave
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

POINTS_PER_CELL = 10
"""Integration points on a cell's worth of surface, as k-Wave's array class has by default."""


@dataclass(frozen=True)
class _Geometry:
    """A bowl's surface relative to a grid's first point, and that grid: all that weights depend on."""

    shape: tuple[int, ...]
    spacing: float
    radius_of_curvature: float
    aperture_diameter: float
    position: tuple[float, ...]
    axis: tuple[float, ...]

    def grid(self) -> Grid:
        return Grid(self.shape, self.spacing, origin=(0.0,) * len(self.shape))

    def bowl(self) -> FocusedBowl:
        return FocusedBowl(
            radius_of_curvature=self.radius_of_curvature,
            aperture_diameter=self.aperture_diameter,
            frequency=1e6,
            surface_pressure=1.0,
            position=self.position,
            axis=self.axis,
        )


class SourceWeights(eqx.Module):
    """Grid weights of a transducer's surface: `weights = source_weights(transducer, grid)`.

    The weights sum to about `surface_measure / spacing^(ndim - 1)`; times the surface pressure they are k-Wave's
    additive pressure source. The last few results are kept, so that the same pose costs nothing again.
    """

    @abc.abstractmethod
    def _compute(self, geometry: _Geometry) -> np.ndarray:
        """The weights, of the grid's shape."""

    def __call__(self, transducer: FocusedBowl, grid: Grid) -> np.ndarray:
        position = np.asarray(transducer.position, dtype=float) - np.asarray(grid.origin)
        geometry = _Geometry(
            shape=grid.shape,
            spacing=grid.spacing,
            radius_of_curvature=transducer.radius_of_curvature,
            aperture_diameter=transducer.aperture_diameter,
            position=tuple(float(x) for x in np.round(position, 9)),
            axis=tuple(float(x) for x in np.asarray(transducer.axis, dtype=float)),
        )
        return _cached(self, geometry)


@lru_cache(maxsize=4)
def _cached(source_weights: SourceWeights, geometry: _Geometry) -> np.ndarray:
    weights = source_weights._compute(geometry)
    weights.setflags(write=False)  # shared by everyone who asks for the same pose
    return weights


class BandLimitedWeights(SourceWeights):
    """Every surface point spread by the periodic band-limited interpolant of the grid.

        weights(i) = (measure / n) / spacing^(ndim - 1) * sum_p prod_d D_N(i_d - x_pd / spacing)

    with `D_N` the periodic sinc of a grid of N points: exactly the delta function that a spectral method can hold.
    k-Wave's array class spreads by the same function (sinc), cut off below a tolerance, in a Python loop over points.
    Summed as a matrix product nothing need be cut off and it is many times faster, hence the default.

    Source: Wise et al., JASA 146(1), 2019, doi:10.1121/1.5116132.
    """

    def _compute(self, geometry: _Geometry) -> np.ndarray:
        bowl = geometry.bowl()
        cells = bowl.surface_measure / geometry.spacing ** (bowl.ndim - 1)
        num_points = math.ceil(POINTS_PER_CELL * cells)
        with jax.enable_x64(True):
            points = np.asarray(geometry.bowl().surface_points(num_points)) / geometry.spacing
        total = np.zeros((math.prod(geometry.shape[:-1]), geometry.shape[-1]))
        chunk = max(1, 2**22 // total.shape[0])
        for start in range(0, num_points, chunk):
            factors = [
                periodic_sinc(np.arange(n) - points[start : start + chunk, axis, None], n)
                for axis, n in enumerate(geometry.shape)
            ]
            leading = factors[0]
            if bowl.ndim == 3:
                leading = (factors[0][:, :, None] * factors[1][:, None, :]).reshape(len(leading), -1)
            total += leading.T @ factors[-1]
        return (total * (cells / num_points)).reshape(geometry.shape)


class KWaveArrayWeights(SourceWeights):
    """Weights by k-Wave's own `kWaveArray`, in C order.

    **Arguments:**

    - `bli_tolerance`: where the band-limited interpolant is cut off, relative to its peak; smaller is more accurate
      and slower.
    """

    bli_tolerance: float = eqx.field(static=True, default=0.05)

    def _compute(self, geometry: _Geometry) -> np.ndarray:
        import_kwave()
        from kwave.kgrid import kWaveGrid
        from kwave.utils.kwave_array import kWaveArray

        grid = kWaveGrid(list(geometry.shape), [geometry.spacing] * len(geometry.shape))
        middle = np.asarray([n // 2 for n in geometry.shape]) * geometry.spacing  # k-Wave's coordinates start there
        apex = np.asarray(geometry.position) - middle
        focus = apex + geometry.radius_of_curvature * np.asarray(geometry.axis)
        array = kWaveArray(bli_tolerance=self.bli_tolerance, upsampling_rate=POINTS_PER_CELL)
        add = array.add_arc_element if len(geometry.shape) == 2 else array.add_bowl_element
        add(apex.tolist(), geometry.radius_of_curvature, geometry.aperture_diameter, focus.tolist())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of k-Wave's own making, about its own internals
            return np.array(array.get_array_grid_weights(grid), dtype=float).reshape(geometry.shape)


def periodic_sinc(offset: np.ndarray, num_points: int) -> np.ndarray:
    """The band-limited interpolant `D_N(offset)` of a periodic grid: 1 at zero, 0 at every other grid point.

    D_N(x) = sin(pi x) / (N tan(pi x / N))   (N even),   sin(pi x) / (N sin(pi x / N))   (N odd)
    """
    angle = np.pi * offset / num_points
    denominator = num_points * (np.tan(angle) if num_points % 2 == 0 else np.sin(angle))
    on_grid = np.abs(np.sin(angle)) < 1e-9
    value = np.sin(np.pi * offset) / np.where(on_grid, 1.0, denominator)
    return np.where(on_grid, 1.0, value)
