"""How a surface is spread over grid points for k-Wave: our way, k-Wave's way, and the cache."""

import numpy as np
import pytest

from fieldcast.simulators.acoustics.kwave_source import BandLimitedSource, KWaveArraySource
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid


def make_bowl(grid, position):
    axis = np.full(grid.ndim, 0.2)
    axis[-1] = 1.0
    return FocusedBowl(
        radius_of_curvature=20e-3,
        aperture_diameter=18e-3,
        frequency=375e3,
        surface_pressure=1e5,
        position=position,
        axis=axis,
    )


def test_kwave_array_spreads_the_same_surface():
    grid = Grid((40, 40, 40), 1e-3)
    bowl = make_bowl(grid, position=(1.2e-3, -0.7e-3, -8e-3))
    ours, _ = BandLimitedSource()(bowl, grid)
    theirs, phases = KWaveArraySource(0.02)(bowl, grid)
    assert phases.shape == (1,)
    # Theirs is cut off at the tolerance; within the wavenumbers that the grid resolves well both agree.
    spectra = [np.fft.fftn(weights[0]) for weights in (ours, theirs)]
    wavenumber = np.sqrt(sum(np.meshgrid(*[np.fft.fftfreq(40) ** 2] * 3, indexing="ij")))
    low = wavenumber < 0.25
    assert np.linalg.norm((spectra[0] - spectra[1])[low]) < 0.02 * np.linalg.norm(spectra[0][low])
    assert ours.sum() == pytest.approx(1e5 * bowl.surface_measure / grid.spacing**2, rel=1e-5)


def test_kwave_array_spreads_the_same_arc():
    arc_grid = Grid((40, 44), 1e-3)
    arc = make_bowl(arc_grid, position=(1.2e-3, -12e-3))
    ours, theirs = (source(arc, arc_grid)[0] for source in (BandLimitedSource(), KWaveArraySource(0.01)))
    assert np.linalg.norm(ours - theirs) < 0.1 * np.linalg.norm(ours)


def test_the_same_surface_is_spread_once():
    grid = Grid((20, 20, 20), 1e-3)
    bowl, source = make_bowl(grid, position=(0.0, 0.0, -8e-3)), BandLimitedSource()
    first, _ = source(bowl, grid)
    again, _ = BandLimitedSource()(make_bowl(grid, position=(0.0, 0.0, -8e-3)), Grid((20, 20, 20), 1e-3))
    assert again is first
    moved, _ = source(make_bowl(grid, position=(1e-4, 0.0, -8e-3)), grid)
    assert moved is not first
    assert not np.allclose(moved, first)
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0, 0, 0] = 1.0
