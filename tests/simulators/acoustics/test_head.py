"""Masks of a head against analytic shapes, and resampling against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.acoustics.head import AIR, Head
from fieldcast.simulators.acoustics.medium import BRAIN
from fieldcast.simulators.acoustics.tissue import MarsacMueller
from fieldcast.simulators.grid import Grid

BRAIN_RADIUS, SKULL_RADIUS, SCALP_RADIUS = 50e-3, 57e-3, 63e-3


def radii(grid: Grid) -> np.ndarray:
    return np.linalg.norm(np.stack(np.meshgrid(*grid.axes(), indexing="ij")), axis=0)


def sphere_head(grid: Grid, hole: float = 0.0, neck: float = 0.0) -> Head:
    """Concentric spheres of brain, bone and scalp; with a hole of that radius in the bone and a neck below it."""
    distance = radii(grid)
    x, y, z = np.meshgrid(*grid.axes(), indexing="ij")
    below = (np.hypot(x, y) < hole) & (z < 0)
    body = (distance < SCALP_RADIUS) | ((np.hypot(x, y) < neck) & (z < 0))
    bone = (distance >= BRAIN_RADIUS) & (distance < SKULL_RADIUS) & ~below
    return Head(jnp.asarray(np.where(bone, 1500.0, np.where(body, 40.0, AIR)), dtype=float), grid)


def test_masks_of_a_whole_head():
    grid = Grid((70,) * 3, 2e-3)
    head = sphere_head(grid)
    distance = radii(grid)
    np.testing.assert_array_equal(head.bone, (distance >= BRAIN_RADIUS) & (distance < SKULL_RADIUS))
    np.testing.assert_array_equal(head.cavity, distance < BRAIN_RADIUS)
    # The opening may shave single voxels off the scalp, no more.
    assert np.mean(head.interior != (distance < SCALP_RADIUS)) < 1e-3
    assert not head.interior[distance >= SCALP_RADIUS].any()


@pytest.mark.parametrize("direction", [(1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.6, 0.5, 0.6), (-0.5, 0.7, -0.5)])
def test_cavity_of_a_crop_is_that_of_the_whole(direction):
    """A 48 mm cube with a patch of scalp at one side knows which side of the bone is the brain's."""
    centre = 45e-3 * np.asarray(direction) / np.linalg.norm(direction)
    grid = Grid((48,) * 3, 1e-3, tuple(centre - 23.5e-3))
    head = sphere_head(grid)
    np.testing.assert_array_equal(head.cavity, radii(grid) < BRAIN_RADIUS)


def test_cavity_keeps_out_of_the_neck():
    """Through a hole of 8 mm radius the brain meets a neck that is larger than itself; the air is not the brain's."""
    grid = Grid((66, 66, 90), 2e-3, (-65e-3, -65e-3, -115e-3))
    head = sphere_head(grid, hole=8e-3, neck=40e-3)
    distance = radii(grid)
    depth = grid.points()[2]
    assert head.cavity[distance < BRAIN_RADIUS - 4e-3].all()
    assert not head.cavity[(distance > SKULL_RADIUS + 10e-3)].any()
    assert np.asarray(depth)[head.cavity].min() > -SCALP_RADIUS - 4e-3


def test_cavity_ignores_pockets_of_marrow():
    grid = Grid((70,) * 3, 2e-3)
    distance = radii(grid)
    hounsfield = np.asarray(sphere_head(grid).hounsfield).copy()
    hounsfield[34, 34, np.argmin(np.abs(distance[34, 34, :35] - 53e-3))] = 50.0
    head = Head(jnp.asarray(hounsfield), grid)
    np.testing.assert_array_equal(head.cavity, distance < BRAIN_RADIUS)


def test_cavity_without_bone_is_the_interior():
    grid = Grid((40, 40), 2e-3)
    head = Head(jnp.asarray(np.where(radii(grid) < 30e-3, 40.0, AIR), dtype=float), grid)
    np.testing.assert_array_equal(head.cavity, head.interior)
    assert head.cavity.sum() == pytest.approx(np.pi * 15**2, rel=0.03)


def test_cavity_of_nothing_but_bone_is_empty():
    head = Head(jnp.full((6, 6, 6), 1500.0), Grid((6, 6, 6), 1e-3))
    assert not head.cavity.any()


def test_interior_of_a_crop_full_of_tissue_is_everything():
    head = Head(jnp.full((9, 8, 7), 40.0), Grid((9, 8, 7), 1e-3))
    assert head.interior.all()


def test_interior_fills_cavities_and_drops_the_headrest():
    grid = Grid((60, 60), 2e-3)
    x, y = np.meshgrid(*grid.axes(), indexing="ij")
    body = np.hypot(x, y) < 30e-3
    sinus = np.hypot(x - 15e-3, y) < 5e-3
    rest = y < -50e-3
    head = Head(jnp.asarray(np.where((body & ~sinus) | rest, 40.0, AIR), dtype=float), grid)
    assert head.interior[sinus].all()
    assert not head.interior[rest].any()


def test_resampling_reproduces_linear_functions():
    """Linear interpolation, and the smoothing before it, leave a linear image alone."""
    grid = Grid((40, 36, 30), 1e-3, (-10e-3, 3e-3, 50e-3))
    slope = np.array([3e3, -7e3, 5e3])
    image = Head(jnp.asarray(np.tensordot(slope, np.asarray(grid.points()), axes=1), dtype=float), grid)
    for spacing in (0.7e-3, 1e-3, 2.3e-3):
        target = Grid((6, 5, 4), spacing, (2.2e-3, 14.4e-3, 60.1e-3))
        expected = np.tensordot(slope, np.asarray(target.points()), axes=1)
        np.testing.assert_allclose(image.resample(target).hounsfield, expected, atol=2e-2)


def test_resampling_on_the_same_points_is_exact_up_to_the_rim():
    grid = Grid((12, 13), 0.3e-3, (0.1, -0.07))
    values = jnp.asarray(np.random.default_rng(0).uniform(-1000, 2000, grid.shape), dtype=float)
    head = Head(values, grid)
    np.testing.assert_allclose(head.resample(grid).hounsfield, values, atol=1e-2)
    crop = Grid((4, 5), 0.3e-3, tuple(np.asarray(grid.origin) + 0.3e-3 * np.array([8, 8])))
    np.testing.assert_allclose(head.resample(crop).hounsfield, values[8:, 8:], atol=1e-2)


def test_resampling_off_the_image_is_air():
    head = Head(jnp.full((6, 6), 40.0), Grid((6, 6), 1e-3))
    wide = np.asarray(head.resample(Grid((20, 20), 1e-3)).hounsfield)
    assert wide[7:13, 7:13].min() == pytest.approx(40.0)
    assert wide.sum() == pytest.approx(36 * 40 - 364 * 1000)


def test_downsampling_keeps_the_mass_of_a_thin_table():
    """A table of 1 mm keeps its integral on a grid of 3 mm; bare interpolation would lose or triple it."""
    fine = Grid((240, 8), 0.25e-3)
    hounsfield = np.zeros(fine.shape)
    hounsfield[118:122] = 1500.0
    head = Head(jnp.asarray(hounsfield, dtype=float), fine)
    for shift in (0.0, 0.4e-3, 0.9e-3, 1.5e-3):
        coarse = Grid((16, 2), 3e-3, (-22.5e-3 + shift, -0.5e-3))
        mass = float(np.asarray(head.resample(coarse).hounsfield)[:, 0].sum()) * 3.0
        assert mass == pytest.approx(1500.0, rel=0.02)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_numbers_that_are_not_finite(bad):
    hounsfield = np.zeros((4, 4))
    hounsfield[1, 2] = bad
    with pytest.raises(ValueError, match="1 voxels that are NaN"):
        Head(jnp.asarray(hounsfield, dtype=float), Grid((4, 4), 1e-3))


@pytest.mark.parametrize(("low", "high", "match"), [(0.0, 1.0, "normalised"), (-3e4, 3e4, "rescale slope")])
def test_refuses_numbers_that_are_not_hounsfield(low, high, match):
    with pytest.raises(ValueError, match=match):
        Head(jnp.linspace(low, high, 16).reshape(4, 4), Grid((4, 4), 1e-3))


def test_masks_of_a_traced_head_are_refused_by_name():
    grid = Grid((4, 4), 1e-3)
    with pytest.raises(ValueError, match="concrete CT"):
        jax.jit(lambda values: Head(values, grid).interior)(jnp.zeros((4, 4)))


def test_medium_is_differentiable_in_a_traced_head_in_water():
    """With water for soft tissue no mask is needed: `rho = 1000 + 900 h / 2000` has the slope 0.45 in bone."""
    grid = Grid((4, 4), 1e-3)
    hounsfield = jnp.full((4, 4), 40.0).at[1, 1].set(1000.0)
    gradient = jax.grad(lambda values: MarsacMueller()(Head(values, grid), 5e5).density.sum())(hounsfield)
    assert float(gradient[1, 1]) == pytest.approx(0.45, rel=1e-5)
    assert float(jnp.abs(gradient).sum()) == pytest.approx(0.45, rel=1e-5)
    with pytest.raises(ValueError, match="concrete CT"):
        jax.grad(lambda values: MarsacMueller(soft_tissue=BRAIN)(Head(values, grid), 5e5).density.sum())(hounsfield)
