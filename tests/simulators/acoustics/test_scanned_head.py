"""Places on heads that are known by their CT alone: nothing about a suitable place is taken on trust."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.acoustics.head import AIR, Head
from fieldcast.simulators.acoustics.phantom import SkullPhantom
from fieldcast.simulators.acoustics.placement import Bowl, Placement, check_clear_of_head, grid_around
from fieldcast.simulators.acoustics.random_bowl import RandomBowl
from fieldcast.simulators.acoustics.random_placement import AimedPlacement, RandomPlacement
from fieldcast.simulators.acoustics.scanned_head import ScannedHead, scan
from fieldcast.simulators.grid import Grid

BOWL = Bowl(radius_of_curvature=30e-3, aperture_diameter=26e-3, frequency=375e3, surface_pressure=1e5)
REACH = math.sqrt(30**2 - 13**2) * 1e-3


@pytest.fixture(scope="module")
def synthetic():
    return SkullPhantom().draw(3)


@pytest.fixture(scope="module")
def scanned(synthetic) -> ScannedHead:
    return scan(synthetic)


@pytest.fixture(scope="module")
def vault_cut(scanned) -> ScannedHead:
    """The same head in an image that ends 45 mm above its middle, and has a headrest behind it."""
    grid = scanned.head.grid
    keep = int((45e-3 - grid.origin[2]) / grid.spacing)
    hounsfield = np.asarray(scanned.head.hounsfield)[:, :, :keep].copy()
    hounsfield[:, 2:4, :] = -100.0
    return ScannedHead(Head(jnp.asarray(hounsfield), Grid(hounsfield.shape, grid.spacing, grid.origin)))


def check(synthetic, placement: Placement, standoff, tilt_max):
    """Everything a place must be, against the head as it was drawn."""
    transducer = placement.transducer(BOWL)
    assert standoff[0] - 1e-9 <= placement.standoff <= standoff[1] + 1e-9
    # Coupling gap: no point of the surface or the rim is nearer to the drawn scalp than a voxel of the search.
    surface = np.asarray(transducer.surface_points(3000), dtype=float)
    assert synthetic.depth(surface).max() < -0.5e-3
    normal = synthetic.scalp_normal(placement.scalp_point)
    assert np.degrees(np.arccos(-placement.axis @ normal)) < np.degrees(tilt_max) + 8.0
    assert abs(float(synthetic.depth(placement.scalp_point))) < 1.5e-3
    # The focus is behind scalp and skull, and what the scene holds of the head agrees.
    grid = grid_around(transducer, (48,) * 3, 1e-3)
    patch = synthetic.on(grid)
    check_clear_of_head(transducer, patch)
    focus = tuple(np.rint(np.asarray(grid.to_index(transducer.geometric_focus))).astype(int))
    assert patch.cavity[focus]
    way = np.linspace(placement.scalp_point, np.asarray(transducer.geometric_focus), 60)
    index = np.rint((way - np.asarray(grid.origin)) / grid.spacing).astype(int)
    bone = patch.bone[tuple(np.clip(index, 0, 47).T)]
    assert 3 <= bone.sum() < 40


def test_a_scan_has_the_surfaces_of_what_was_scanned(synthetic, scanned):
    assert np.linalg.norm(scanned.centre) < 5e-3
    around = scanned.scalp_around((10e-3, -20e-3, 30e-3))
    assert len(around) == 4000
    assert np.abs(synthetic.depth(around)).max() < 2.5e-3
    for direction in ((1.0, 0.0, 0.2), (-0.3, 0.8, 0.5), (0.1, -0.2, 1.0)):
        point = scanned.scalp_point(direction)
        assert abs(float(synthetic.depth(point))) < 1.5e-3
        angle = np.degrees(np.arccos(scanned.scalp_normal(point) @ synthetic.scalp_normal(point)))
        assert angle < 10.0


@pytest.mark.parametrize("seed", range(4))
def test_random_places_on_a_scan(synthetic, scanned, seed):
    placement = RandomPlacement()(scanned, np.random.default_rng(seed), BOWL)
    check(synthetic, placement, (4e-3, 7e-3), 0.17)
    depth = np.linalg.norm(np.subtract(placement.target, placement.scalp_point))
    assert 25e-3 <= depth <= 45e-3


@pytest.mark.parametrize("seed", range(4))
def test_aimed_places_put_the_focus_on_a_target(synthetic, scanned, seed):
    direction = np.array([0.8, 0.1, 0.5]) if seed % 2 else np.array([-0.1, -0.7, 0.6])
    scalp = synthetic.scalp_point(direction)
    target = tuple(float(x) for x in scalp - (REACH - 5e-3) * synthetic.scalp_normal(scalp))
    recipe = AimedPlacement(targets=(target, target))
    placement = recipe(scanned, np.random.default_rng(seed), BOWL)
    np.testing.assert_allclose(placement.transducer(BOWL).geometric_focus, target, atol=1e-5)
    check(synthetic, placement, recipe.standoff, recipe.tilt_max)


def test_a_scan_that_lacks_the_vault_is_used_where_it_shows_the_head(vault_cut):
    top = vault_cut.head.grid.origin[2] + vault_cut.head.grid.extent[2]
    for seed in range(4):
        placement = RandomPlacement(height_min=0.0)(vault_cut, np.random.default_rng(seed), BOWL)
        assert placement.scalp_point[2] < top - 3e-3
        assert vault_cut.refusal(placement, BOWL) is None


def test_refusals_say_why(scanned, vault_cut):
    straight = RandomPlacement()(scanned, np.random.default_rng(0), BOWL)
    outward = -straight.axis

    def moved(**changes) -> Placement:
        values = {"scalp_point": straight.scalp_point, "target": straight.target, "standoff": straight.standoff}
        return Placement(**values | changes)

    assert scanned.refusal(straight, BOWL) is None
    shallow = tuple(np.asarray(straight.scalp_point) - 3e-3 * outward)
    assert "target is not inside" in scanned.refusal(moved(target=shallow), BOWL)
    assert "focus does not reach" in scanned.refusal(moved(standoff=25e-3), BOWL)
    assert "closer than 2 mm" in scanned.refusal(moved(standoff=0.0), BOWL)
    top = vault_cut.head.grid.origin[2] + vault_cut.head.grid.extent[2]
    at_the_cut = Placement((0.0, 0.0, top + 1e-3), (0.0, 0.0, top - 40e-3), 3e-3)
    assert vault_cut.refusal(at_the_cut, BOWL) == "the image ends within the beam"


def test_targets_out_of_reach_are_named(scanned):
    with pytest.raises(ValueError, match=r"cannot be reached: the scalp is .* mm away or more.*asks for 17.0 to 24.0"):
        AimedPlacement(targets=((0.0, 0.0, 0.0),))(scanned, np.random.default_rng(0), BOWL)
    with pytest.raises(ValueError, match=r"\(0.0, 0.0, 500.0\) mm is not inside the skull"):
        AimedPlacement(targets=((0.0, 0.0, 0.5),))(scanned, np.random.default_rng(0), BOWL)
    above = scanned.scalp_point((0.0, 0.0, 1.0)) - [0.0, 0.0, 21e-3]
    with pytest.raises(ValueError, match=r"cannot be reached: .* None of 200 places tried .* tilted too far \(\d+\)"):
        AimedPlacement(targets=(tuple(map(float, above)),), tilt_max=0.0)(scanned, np.random.default_rng(0), BOWL)
    with pytest.raises(ValueError, match="at least one target"):
        AimedPlacement(targets=())
    with pytest.raises(ValueError, match=r"None of 200 places tried.*focus does not reach the inside"):
        RandomPlacement(standoff=(20e-3, 22e-3))(scanned, np.random.default_rng(0), BOWL)
    with pytest.raises(ValueError, match="depends on the bowl"):
        RandomPlacement()(scanned, np.random.default_rng(0))


def test_an_ear_scan_without_air_has_no_places():
    """An image of tissue and bone up to its faces."""
    grid = Grid((40,) * 3, 3e-3)
    distance = np.linalg.norm(np.stack(np.meshgrid(*grid.axes(), indexing="ij")), axis=0)
    head = Head(jnp.asarray(np.where(np.abs(distance - 50e-3) < 4e-3, 1200.0, 40.0)), grid)
    with pytest.raises(ValueError, match="shows no scalp"):
        RandomPlacement()(ScannedHead(head), np.random.default_rng(0), BOWL)


def test_random_bowls_follow_their_ranges():
    family = RandomBowl(
        radius_of_curvature=(20e-3, 30e-3), aperture_diameter=(10e-3, 20e-3), surface_pressure=(1e4, 2e4)
    )
    bowls = [family.draw(np.random.default_rng(seed)) for seed in range(20)]
    assert all(20e-3 <= bowl.radius_of_curvature <= 30e-3 for bowl in bowls)
    assert all(10e-3 <= bowl.aperture_diameter <= 20e-3 for bowl in bowls)
    assert len({bowl.surface_pressure for bowl in bowls}) == 20
    assert family.draw(np.random.default_rng(1)) == bowls[1]


def test_air_is_everywhere_else(scanned):
    """A scene cut out of a scan that reaches beyond it holds air there."""
    grid = Grid((10, 10, 10), 2e-3, (0.2, 0.2, 0.2))
    assert (np.asarray(scanned.on(grid).hounsfield) == AIR).all()
