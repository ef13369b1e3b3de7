"""Placements on a sphere, where everything is known, and on synthetic heads."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.acoustics.head import AIR, Head
from fieldcast.simulators.acoustics.phantom import SkullPhantom
from fieldcast.simulators.acoustics.placement import Bowl, Placement, check_clear_of_head, grid_around, place_bowl
from fieldcast.simulators.acoustics.random_placement import RandomPlacement
from fieldcast.simulators.acoustics.scalp import scalp_crossing, scalp_normal
from fieldcast.simulators.grid import Grid

BOWL = Bowl(radius_of_curvature=28e-3, aperture_diameter=28e-3, frequency=375e3, surface_pressure=1e5)
RADIUS = 60e-3
CENTRE = np.array([5e-3, -8e-3, 12e-3])


def above(height: float) -> np.ndarray:
    return CENTRE + np.array([0.0, 0.0, height])


@pytest.fixture(scope="module")
def head() -> Head:
    """A ball of tissue with a spherical shell of bone between 47 and 53 mm, off the origin."""
    grid = Grid((80,) * 3, 2e-3)
    distance = np.linalg.norm(np.asarray(grid.points()) - CENTRE[:, None, None, None], axis=0)
    shell = (distance > 47e-3) & (distance < 53e-3)
    return Head(jnp.asarray(np.where(shell, 1400.0, np.where(distance < RADIUS, 40.0, AIR)), dtype=float), grid)


DIRECTIONS = [(0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (-0.3, 0.8, 0.5), (0.5, -0.5, -0.7)]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("entry_distance", [52e-3, 60e-3, 100e-3])
def test_scalp_crossing_and_normal_on_a_sphere(head, direction, entry_distance):
    direction = np.asarray(direction) / np.linalg.norm(direction)
    point = scalp_crossing(head, CENTRE + entry_distance * direction, CENTRE)
    np.testing.assert_allclose(point, CENTRE + RADIUS * direction, atol=1.5e-3)
    normal = scalp_normal(head, point)
    assert np.degrees(np.arccos(min(1.0, float(normal @ direction)))) < 3.0


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_place_bowl_stands_off_as_asked(head, direction):
    direction = np.asarray(direction) / np.linalg.norm(direction)
    transducer = place_bowl(head, BOWL, entry=CENTRE + 65e-3 * direction, target=CENTRE, standoff=5e-3)
    np.testing.assert_allclose(transducer.axis, -direction, atol=1e-5)
    rim_plane = np.asarray(transducer.position) + transducer.depth * np.asarray(transducer.axis)
    np.testing.assert_allclose(rim_plane, CENTRE + (RADIUS + 5e-3) * direction, atol=1.5e-3)
    np.testing.assert_allclose(
        transducer.geometric_focus, CENTRE + (RADIUS + 5e-3 + transducer.depth - 28e-3) * direction, atol=1.5e-3
    )
    assert transducer.frequency == 375e3
    assert float(transducer.surface_pressure) == 1e5


def test_the_last_crossing_counts(head):
    """A flap of skin, like an ear, in front of the head: the transducer goes outside of the flap."""
    hounsfield = np.asarray(head.hounsfield).copy()
    z = head.grid.axes()[2]
    column = (slice(38, 48), slice(30, 42))
    hounsfield[column][:, :, (z > 70e-3) & (z < 74e-3)] = 40.0
    hounsfield[38:48, 30:32, (z > 0.05) & (z < 74e-3)] = 40.0
    point = scalp_crossing(Head(jnp.asarray(hounsfield), head.grid), above(0.055), CENTRE)
    assert 73e-3 - 2e-3 < point[2] < 76e-3


def test_refusals_of_place_bowl(head):
    top = above(65e-3)
    cases = [
        ({"target": above(70e-3)}, "outside of the head"),
        ({"target": (0.5, 0.0, 0.0)}, "outside of the head"),
        ({"target": above(50e-3)}, "in bone"),
        ({"target": 1e3 * CENTRE}, "divide them by 1000"),
        ({"entry": 1e3 * top}, "divide them by 1000"),
        ({"entry": (0.0, 0.0)}, "entry needs 3 finite coordinates"),
        ({"target": (0.0, np.nan, 0.0)}, "target needs 3 finite coordinates"),
        ({"entry": CENTRE}, "one point"),
        ({"entry": above(30e-3)}, r"(29|30)\.\d mm below the scalp"),
        ({"standoff": 5.0}, "were millimetres meant"),
        ({"standoff": -1e-3}, "between 0 and 0.2 m"),
    ]
    for change, match in cases:
        arguments = {"entry": top, "target": CENTRE, "standoff": 5e-3} | change
        with pytest.raises(ValueError, match=match):
            place_bowl(head, BOWL, **arguments)


def test_a_ct_without_air_has_no_scalp():
    head = Head(jnp.full((20,) * 3, 40.0), Grid((20,) * 3, 2e-3))
    with pytest.raises(ValueError, match="does not leave the head within the CT"):
        place_bowl(head, BOWL, entry=(0.0, 0.0, 15e-3), target=(0.0, 0.0, 0.0), standoff=5e-3)


@pytest.mark.parametrize("overlap", [3e-3, 8e-3])
def test_overlap_is_measured(head, overlap):
    """A bowl whose apex is `overlap` deep in a ball less curved than itself is that deep in the ball."""
    flat = Bowl(radius_of_curvature=58e-3, aperture_diameter=10e-3, frequency=375e3, surface_pressure=1e5)
    transducer = flat.at(above(RADIUS - overlap), (0.0, 0.0, -1.0))
    with pytest.raises(ValueError, match="overlaps the head") as refusal:
        check_clear_of_head(transducer, head)
    measured = 1e-3 * float(str(refusal.value).split("about ")[1].split(" mm")[0])
    assert measured == pytest.approx(overlap, abs=2e-3)


def test_a_tilted_bowl_is_refused_for_its_rim_alone(head):
    """The apex is in the clear; one side of the rim is not."""
    apex = above(RADIUS + 6e-3)
    check_clear_of_head(BOWL.at(apex, (0.0, 0.0, -1.0)), head)
    with pytest.raises(ValueError, match="overlaps the head"):
        check_clear_of_head(BOWL.at(apex, (0.8, 0.0, -0.6)), head)


def test_traced_transducers_are_not_checked(head):
    def depth(position):
        transducer = BOWL.at(position, (0.0, 0.0, -1.0))
        check_clear_of_head(transducer, head)
        return jnp.sum(transducer.geometric_focus)

    np.testing.assert_allclose(jax.grad(depth)(jnp.asarray(CENTRE, dtype=float)), 1.0)


@pytest.mark.parametrize("ndim", [2, 3])
def test_grid_around_holds_bowl_focus_and_beyond(ndim):
    generator = np.random.default_rng(0)
    for direction in [*generator.standard_normal((60, ndim)), *np.eye(ndim), *-np.eye(ndim)]:
        transducer = BOWL.at(tuple(generator.uniform(-0.1, 0.1, ndim)), tuple(direction))
        grid = grid_around(transducer, (48,) * ndim, 1e-3, margin=3e-3, beyond=12e-3)
        assert grid.shape == (48,) * ndim
        assert grid.contains(np.asarray(transducer.surface_points(2000)), margin=3e-3 - 1e-6)
        assert grid.contains(np.asarray(transducer.geometric_focus + 12e-3 * transducer.axis), margin=-1e-6)


def test_grid_around_refuses_what_does_not_fit():
    transducer = BOWL.at((0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    # 3 mm behind the apex, 28 mm to the focus and 20 beyond: 51 intervals, 52 points.
    with pytest.raises(ValueError, match=r"at least \(35, 35, 52\) points"):
        grid_around(transducer, (48,) * 3, 1e-3, margin=3e-3, beyond=20e-3)
    assert grid_around(transducer, (35, 35, 52), 1e-3, margin=3e-3, beyond=20e-3).shape == (35, 35, 52)
    with pytest.raises(ValueError, match="as many axes"):
        grid_around(transducer, (48, 48), 1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_random_placements_are_usable(seed):
    """Phantom, placement, grid, CT: the bowl is clear of the scalp and the focus is beyond the skull."""
    generator = np.random.default_rng(seed)
    skull = SkullPhantom().draw(generator)
    placement = RandomPlacement()(skull, generator)
    transducer = placement.transducer(BOWL)
    grid = grid_around(transducer, (48,) * 3, 1e-3)
    head = skull.on(grid)
    check_clear_of_head(transducer, head)
    focus = tuple(np.rint(np.asarray(grid.to_index(transducer.geometric_focus))).astype(int))
    assert head.cavity[focus]
    assert abs(skull.depth(placement.scalp_point)) < 1e-8
    tilt = np.arccos(-placement.axis @ skull.scalp_normal(placement.scalp_point))
    assert tilt <= 0.17 + 1e-6
    depth = np.linalg.norm(np.subtract(placement.target, placement.scalp_point))
    assert 25e-3 <= depth <= 45e-3
    # The scalp found in the CT is the scalp that was drawn.
    inner = np.asarray(placement.scalp_point) + 12e-3 * placement.axis
    crossing = scalp_crossing(head, placement.scalp_point, inner)
    np.testing.assert_allclose(crossing, placement.scalp_point, atol=1e-3)
    normal = scalp_normal(head, placement.scalp_point)
    assert np.degrees(np.arccos(normal @ skull.scalp_normal(placement.scalp_point))) < 6.0


def test_random_placements_in_a_plane():
    generator = np.random.default_rng(0)
    skull = SkullPhantom().draw(generator)
    for _ in range(5):
        placement = RandomPlacement()(skull, generator, ndim=2)
        transducer = placement.transducer(BOWL)
        head = skull.on(grid_around(transducer, (96, 96), 0.5e-3))
        check_clear_of_head(transducer, head)
        assert float(skull.depth(transducer.geometric_focus)) > 10e-3


def test_placement_draws_follow_the_seed():
    def draw(seed: int) -> Placement:
        return RandomPlacement()(SkullPhantom().draw(1), np.random.default_rng(seed))

    assert draw(4) == draw(4)
    assert draw(4) != draw(5)
