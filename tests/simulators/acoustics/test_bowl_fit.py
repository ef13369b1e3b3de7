"""Bowls found again in their voxels, whatever the voxelisation."""

import numpy as np
import pytest

from fieldcast.simulators.acoustics.bowl_fit import fit_bowl

SPACING = 0.5e-3


def cap(radius, aperture, apex, axis, num_points=120_000):
    """Points spread evenly over a bowl."""
    depth = radius - np.sqrt(radius**2 - aperture**2 / 4)
    along = depth * (np.arange(num_points) + 0.5) / num_points
    distance = np.sqrt(along * (2 * radius - along))
    azimuth = np.pi * (3 - np.sqrt(5)) * np.arange(num_points)
    across = np.linalg.svd(axis[None])[2][1:]
    local = np.stack([distance * np.cos(azimuth), distance * np.sin(azimuth)], axis=1)
    return apex + along[:, None] * axis + local @ across


def rounded(radius, aperture, apex, axis):
    """The voxels nearest to a dense set of points."""
    return np.unique(np.rint(cap(radius, aperture, apex, axis) / SPACING).astype(int), axis=0)


def shell(width):
    """All voxels whose centres lie within `width` voxels of the bowl."""

    def voxelise(radius, aperture, apex, axis):
        around = cap(radius, aperture, apex, axis, 2000) / SPACING
        ranges = [np.arange(int(x.min()) - 3, int(x.max()) + 4) for x in around.T]
        voxels = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
        offset = voxels * SPACING - apex - radius * axis
        distance = np.linalg.norm(offset, axis=1)
        within = offset @ -axis >= distance * np.sqrt(1 - (aperture / 2 / radius) ** 2)
        return voxels[within & (np.abs(distance - radius) <= width * SPACING)]

    return voxelise


VOXELISATIONS = {"rounded points": rounded, "a thin shell": shell(0.5), "a thick shell": shell(0.9)}
GEOMETRIES = [(60e-3, 60e-3), (64e-3, 64e-3), (75e-3, 65e-3), (30e-3, 26e-3)]


@pytest.mark.parametrize("voxelisation", VOXELISATIONS)
@pytest.mark.parametrize(("radius", "aperture"), GEOMETRIES)
@pytest.mark.parametrize("direction", [(0.0, 0.0, 1.0), (0.6, -0.5, 0.4)])
def test_a_bowl_is_found_in_its_voxels(voxelisation, radius, aperture, direction):
    """Lengths to less than two voxels (mostly less than half of one), the axis to a fraction of a degree."""
    axis = np.asarray(direction) / np.linalg.norm(direction)
    apex = np.array([1.23e-3, -2.71e-3, 0.57e-3])
    voxels = VOXELISATIONS[voxelisation](radius, aperture, apex, axis)
    fit = fit_bowl(SPACING * voxels, SPACING)
    assert fit.radius_of_curvature == pytest.approx(radius, abs=1.8 * SPACING if radius < 40e-3 else 0.5 * SPACING)
    # Rounding takes in voxels up to half a voxel beyond the rim, on either side.
    assert fit.aperture_diameter == pytest.approx(aperture, abs=1.6 * SPACING)
    assert np.linalg.norm(np.subtract(fit.apex, apex)) < 0.3 * SPACING
    assert np.degrees(np.arccos(min(1.0, float(np.dot(fit.axis, axis))))) < 0.3
    assert fit.residual < SPACING


def test_stray_voxels_do_not_matter():
    """One in fifty voxels lies anywhere in a box."""
    axis, apex = np.array([0.0, 0.6, 0.8]), np.zeros(3)
    voxels = SPACING * rounded(60e-3, 60e-3, apex, axis)
    stray = np.random.default_rng(0).uniform(-20e-3, 20e-3, (len(voxels) // 50, 3)) + 15e-3 * axis
    fit = fit_bowl(np.concatenate([voxels, stray]), SPACING)
    assert fit.radius_of_curvature == pytest.approx(60e-3, abs=2 * SPACING)
    assert fit.aperture_diameter == pytest.approx(60e-3, abs=3 * SPACING)
    assert np.degrees(np.arccos(float(np.dot(fit.axis, axis)))) < 1.0


@pytest.mark.parametrize(
    ("points", "match"),
    [
        (np.zeros((5, 3)), "at least 100 finite points"),
        (np.full((200, 3), np.nan), "finite points"),
        (np.random.default_rng(0).uniform(-0.03, 0.03, (5000, 3)), "not those of a bowl"),
        (np.random.default_rng(0).uniform(-0.03, 0.03, (5000, 3)) * [1, 1, 0], "in a plane"),
        (0.03 * np.random.default_rng(0).standard_normal((5000, 3)), "not those of a bowl"),
    ],
)
def test_refuses_what_is_no_bowl(points, match):
    with pytest.raises(ValueError, match=match):
        fit_bowl(points, SPACING)


def test_refuses_a_whole_sphere():
    directions = np.random.default_rng(0).standard_normal((5000, 3))
    with pytest.raises(ValueError, match="beyond a hemisphere"):
        fit_bowl(0.03 * directions / np.linalg.norm(directions, axis=1, keepdims=True), SPACING)
