"""Every refusal: what came, what was expected, what to do."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.acoustics import checks
from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.medium import homogeneous
from fieldcast.simulators.acoustics.scene import Scene, scene_from_head
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

GRID = Grid((24, 24, 32), 1e-3)


def make_scene(medium=None, frequency=375e3, **changes):
    settings = {
        "radius_of_curvature": 16e-3,
        "aperture_diameter": 12e-3,
        "frequency": frequency,
        "surface_pressure": 1e5,
        "position": (0.0, 0.0, -12e-3),
        "axis": (0.0, 0.0, 1.0),
    }
    return Scene(homogeneous(GRID) if medium is None else medium, FocusedBowl(**{**settings, **changes}))


def with_map(name, value, where=(3, 4, 5)):
    medium = homogeneous(GRID)
    return eqx.tree_at(lambda m: getattr(m, name), medium, getattr(medium, name).at[where].set(value))


def test_a_good_scene_passes():
    checks.check_scene(make_scene())


@pytest.mark.parametrize("name", ["sound_speed", "density", "attenuation"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_maps_must_be_finite(name, value):
    with pytest.raises(ValueError, match=rf"medium.{name} has 1 non-finite values, the first at index \(3, 4, 5\)"):
        checks.check_scene(make_scene(with_map(name, value)))


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [("sound_speed", 0.0, "positive"), ("density", -1.0, "positive"), ("attenuation", -0.1, "at least zero")],
)
def test_maps_must_be_positive(name, value, bound):
    with pytest.raises(ValueError, match=rf"medium.{name} has 1 values that are not {bound}, the first {value}"):
        checks.check_scene(make_scene(with_map(name, value)))


def test_resolution_counts_the_slowest_sound():
    medium = with_map("sound_speed", 750.0)
    assert checks.points_per_wavelength(medium, 375e3) == pytest.approx(2.0)
    with pytest.raises(ValueError, match=r"too coarse: 1\.99 grid points per wavelength.*use a spacing of at most"):
        checks.check_resolution(medium, 376e3)
    with pytest.warns(UserWarning, match=r"coarse: 3\.99 grid points per wavelength"):
        checks.check_resolution(homogeneous(GRID), 376e3)
    checks.check_resolution(homogeneous(GRID), 375e3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"surface_pressure": 0.0}, "source is empty"),
        ({"surface_pressure": np.nan}, "drive is not finite"),
        ({"phase": np.inf}, "drive is not finite"),
        ({"position": (0.0, np.nan, 0.0)}, "pose is not finite"),
        ({"axis": (0.0, 0.0, 0.0)}, "pose is not finite"),
        ({"position": (0.0, 0.0, -17e-3)}, "not on the grid: its surface reaches from"),
        ({"position": (9e-3, 0.0, -12e-3)}, "not on the grid"),
    ],
)
def test_transducers_that_cannot_radiate(changes, message):
    with pytest.raises(ValueError, match=message) as refusal:
        checks.check_scene(make_scene(**changes))
    assert "Were millimetres given?" not in str(refusal.value)


def test_millimetres_as_metres():
    with pytest.raises(ValueError, match=r"not on the grid.*Were millimetres given\? Positions are in metres"):
        checks.check_scene(make_scene(position=(0.0, 0.0, -12.0)))


def test_transducer_in_bone():
    with pytest.raises(ValueError, match="surface touches bone: sound speed up to 2800 m/s"):
        checks.check_scene(make_scene(with_map("sound_speed", 2800.0, np.s_[:, :, :6])))
    checks.check_scene(make_scene(with_map("sound_speed", 2800.0, np.s_[:, :, 10:])))


def test_transducer_in_the_head():
    # Soft tissue, so only the head's outline can tell.
    hounsfield = jnp.full(GRID.shape, -1000.0).at[4:20, 4:20, 8:28].set(40.0)
    head = Head(hounsfield, GRID)
    inside = make_scene(position=(0.0, 0.0, -4e-3)).transducer
    with pytest.raises(ValueError, match=r"overlaps the head: \d+% of its surface lies inside the skin"):
        checks.check_scene(scene_from_head(head, inside))
    checks.check_scene(scene_from_head(head, make_scene().transducer))


def test_time_step():
    with pytest.raises(ValueError, match=r"1e-07 s is not below the stability limit of 9e-08 s.*more steps"):
        checks.check_time_step(1e-7, 9e-8)
    checks.check_time_step(1e-7, np.inf)


@pytest.mark.parametrize("value", [np.nan, np.inf, complex(0.0, np.nan)])
def test_result_must_be_finite(value):
    pressure = np.zeros((3, 3), complex)
    checks.check_result(pressure)
    pressure[1, 1] = value
    with pytest.raises(FloatingPointError, match="1 of 9 values of the field are not finite"):
        checks.check_result(pressure)


def test_traced_scenes():
    scene = make_scene()

    def solve(position):
        checks.check_concrete(eqx.tree_at(lambda s: s.transducer.position, scene, position))
        return position

    for transformed in (jax.jit(solve), jax.jacfwd(solve)):
        with pytest.raises(TypeError, match="leaves JAX and cannot be traced"):
            transformed(scene.transducer.position)
