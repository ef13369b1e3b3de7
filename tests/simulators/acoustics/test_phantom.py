"""Synthetic heads: the same head on every grid, layers of the asked thickness and density."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldcast.simulators.acoustics.head import AIR
from fieldcast.simulators.acoustics.phantom import SkullPhantom
from fieldcast.simulators.grid import Grid

PHANTOM = SkullPhantom()


def profile(seed: int, axis: int, sign: int) -> tuple[np.ndarray, np.ndarray]:
    """CT numbers of head `seed` along a world axis through its centre, from the brain outwards, and their depth [m]."""
    skull = PHANTOM.draw(seed)
    scalp = skull.scalp_point(sign * np.eye(3)[axis])
    shape, origin = [1, 1, 1], scalp.copy()
    shape[axis] = 500
    origin[axis] -= 9.9e-3 if sign < 0 else 40e-3
    hounsfield = np.asarray(skull.on(Grid(tuple(shape), 0.1e-3, tuple(origin))).hounsfield).ravel()
    return hounsfield[::sign], 40e-3 - 0.1e-3 * np.arange(500)


def test_the_same_seed_is_the_same_head_on_shifted_and_finer_grids():
    scalp = PHANTOM.draw(3).scalp_point((0.4, -0.3, 0.8))
    fine = Grid((64,) * 3, 0.5e-3, tuple(scalp - 16e-3))
    # Centred on blocks of 2 x 2 x 2 fine voxels, with a different corner.
    coarse = Grid((28,) * 3, 1e-3, tuple(np.asarray(fine.origin) + 0.25e-3 + 2e-3))
    fine_image = np.asarray(PHANTOM(3, fine).hounsfield)[4:60, 4:60, 4:60]
    blocks = fine_image.reshape(28, 2, 28, 2, 28, 2).mean(axis=(1, 3, 5))
    difference = np.asarray(PHANTOM(3, coarse).hounsfield) - blocks
    # Voxels are cut obliquely, which the smoothing along the normal answers to a few per cent of a step in HU.
    assert np.abs(difference).mean() < 10.0
    assert abs(difference.mean()) < 0.5
    crop = Grid((10,) * 3, 0.5e-3, tuple(np.asarray(fine.origin) + 20 * 0.5e-3))
    whole = np.asarray(PHANTOM(3, fine).hounsfield)
    np.testing.assert_allclose(PHANTOM(3, crop).hounsfield, whole[20:30, 20:30, 20:30], atol=0.5)


def test_a_plane_is_the_middle_plane_of_space():
    plane = PHANTOM(5, Grid((60, 70), 3e-3)).hounsfield
    space = PHANTOM(5, Grid((60, 70, 3), 3e-3)).hounsfield
    np.testing.assert_allclose(plane, space[:, :, 1], atol=1e-3)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("axis", "sign"), [(0, 1), (1, -1), (2, 1)])
def test_layers_along_a_line(seed, axis, sign):
    """Air, scalp, table, diploe, table, brain, each of the thickness and density of the ranges."""
    hounsfield, depth = profile(seed, axis, sign)
    bone = np.flatnonzero(hounsfield > 300.0)
    table = np.flatnonzero(hounsfield > 1050.0)
    diploe = np.setdiff1d(np.arange(table[0], table[-1]), table)
    skull = 0.1e-3 * bone.size
    assert 3.9e-3 < skull < 9.6e-3  # a few degrees off the normal
    assert 0.2 < 0.1e-3 * diploe.size / skull < 0.62
    for piece in np.split(table, 1 + np.flatnonzero(np.diff(table) > 5)):
        assert 0.6e-3 < 0.1e-3 * piece.size < 3.5e-3
    assert 3.0e-3 < depth[bone[-1]] < 9e-3
    assert np.all(np.abs(depth[hounsfield > -500.0].min()) < 0.2e-3)
    assert hounsfield.max() < 1900.0
    assert hounsfield[table].mean() > 1200.0
    assert 400.0 < np.median(hounsfield[diploe]) < 1000.0
    assert hounsfield[-1] == AIR
    assert 20.0 <= hounsfield[0] <= 60.0


def test_thin_tables_survive_a_coarse_grid():
    """The mean CT number of a patch is the same on 0.25, 1 and 2 mm grids that cover the same cube."""
    scalp = PHANTOM.draw(1).scalp_point((0.0, 0.3, 1.0))
    means = []
    for spacing in (0.25e-3, 1e-3, 2e-3):
        count = round(24e-3 / spacing)
        corner = scalp - 18e-3 + 0.5 * spacing
        means.append(float(np.mean(np.asarray(PHANTOM(1, Grid((count,) * 3, spacing, tuple(corner))).hounsfield))))
    np.testing.assert_allclose(means[1:], means[0], atol=3.0)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    direction=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda d: np.linalg.norm(d) > 0.1),
)
def test_scalp_point_and_normal(seed, direction):
    """A scalp point has depth zero, its normal is where depth falls fastest, and depth grows by the distance gone."""
    skull = PHANTOM.draw(seed)
    point = skull.scalp_point(direction)
    assert np.linalg.norm(np.cross(point, direction)) < 1e-9
    assert abs(skull.depth(point)) < 1e-8
    normal = skull.scalp_normal(point)
    assert normal @ point > 0
    assert skull.depth(point - 5e-3 * normal) == pytest.approx(5e-3, rel=0.06)
    assert skull.depth(point + 5e-3 * normal) == pytest.approx(-5e-3, rel=0.06)


def test_heads_differ_and_a_generator_moves_on():
    grid = Grid((30, 30), 7e-3)
    first, second = np.asarray(PHANTOM(0, grid).hounsfield), np.asarray(PHANTOM(1, grid).hounsfield)
    assert np.abs(first - second).max() > 100
    np.testing.assert_array_equal(first, PHANTOM(0, grid).hounsfield)
    generator = np.random.default_rng(0)
    np.testing.assert_array_equal(first, PHANTOM(generator, grid).hounsfield)
    assert np.abs(first - np.asarray(PHANTOM(generator, grid).hounsfield)).max() > 100
