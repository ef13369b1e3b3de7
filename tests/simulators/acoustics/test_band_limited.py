"""Off-grid sources against direct sums, k-Wave's array class, and finite differences."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators import spectral
from fieldcast.simulators.acoustics.band_limited import periodic_sinc, source_patterns, spread
from fieldcast.simulators.acoustics.kwave_import import import_kwave
from fieldcast.simulators.acoustics.piston import Piston
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.acoustics.transducer_array import TransducerArray
from fieldcast.simulators.grid import Grid

pytestmark = pytest.mark.usefixtures("x64")

FREQUENCY = 300e3
DRIVE = {"frequency": FREQUENCY, "surface_pressure": 1.0}
SIZE = {"radius_of_curvature": 15e-3, "aperture_diameter": 14e-3}
POSES = {
    2: {"position": (0.13e-3, -9.4e-3), "axis": (0.1, 1.0)},
    3: {"position": (0.13e-3, 0.21e-3, -7.4e-3), "axis": (0.1, -0.05, 1.0)},
}
GRIDS = {2: Grid((40, 43), 1e-3), 3: Grid((30, 29, 28), 1.1e-3)}
SHAPES = {
    "bowl": lambda **pose: FocusedBowl(**SIZE, **DRIVE, **pose),
    "piston": lambda **pose: Piston(diameter=12e-3, **DRIVE, **pose),
}


@pytest.mark.parametrize("num_points", [8, 9])
def test_periodic_sinc_is_the_trigonometric_interpolant(num_points):
    offset = np.linspace(-1.5 * num_points, 1.5 * num_points, 301)
    offset = np.concatenate([offset, [1e-12, 1e-5, 3e-3, 7e-3, -num_points + 2e-3]])
    np.testing.assert_allclose(
        periodic_sinc(jnp.asarray(offset), num_points), trigonometric(offset, num_points), atol=1e-13
    )


@pytest.mark.parametrize("offset", [0.0, 1e-9, 1e-4, 5e-3, 7e-3, 0.3, 1.0, 2.5, -3.0])
def test_periodic_sinc_is_smooth(offset):
    for num_points in (8, 9):
        step = 1e-5
        slope = jax.grad(lambda x, n=num_points: periodic_sinc(x, n))(offset)
        around = periodic_sinc(jnp.asarray([offset - step, offset + step]), num_points)
        np.testing.assert_allclose(slope, (around[1] - around[0]) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("ndim", [2, 3])
def test_spread_equals_the_direct_sum(ndim):
    grid = Grid((7, 8, 6)[:ndim], 0.5e-3)
    random = np.random.default_rng(0)
    points = random.uniform(-1e-3, 1e-3, (5, ndim))
    strengths = random.standard_normal((2, 5))
    direct = np.zeros((2, *grid.shape))
    for index in np.ndindex(grid.shape):
        for point, strength in zip(points, strengths.T, strict=True):
            offset = [i - (x - o) / grid.spacing for i, x, o in zip(index, point, grid.origin, strict=True)]
            factors = [trigonometric(d, n) for d, n in zip(offset, grid.shape, strict=True)]
            direct[(slice(None), *index)] += strength * math.prod(factors)
    np.testing.assert_allclose(spread(jnp.asarray(points), jnp.asarray(strengths), grid), direct, atol=1e-13)


def test_a_point_on_the_grid_is_a_single_weight():
    grid = Grid((9, 8), 1e-3)
    weights = np.asarray(spread(grid.to_world(np.asarray([[3.0, 5.0]])), jnp.ones((1, 1)), grid))[0]
    expected = np.zeros(grid.shape)
    expected[3, 5] = 1.0
    np.testing.assert_allclose(weights, expected, atol=1e-13)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_weights_sum_to_the_surface_and_move_with_it(shape, ndim):
    grid, pose = GRIDS[ndim], POSES[ndim]
    transducer = SHAPES[shape](**pose)
    weights = np.asarray(source_patterns(transducer, grid).weights[0])
    assert weights.sum() == pytest.approx(transducer.surface_measure / grid.spacing ** (ndim - 1), rel=1e-9)
    moved = eqx.tree_at(lambda t: t.position, transducer, transducer.position + grid.spacing)
    rolled = np.roll(weights, 1, axis=range(ndim))
    np.testing.assert_allclose(source_patterns(moved, grid).weights[0], rolled, atol=1e-12)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_few_points_integrate_the_surface(shape, ndim):
    """Two points per cell against many, at wavelengths of more than three grid points."""
    transducer, grid = SHAPES[shape](**POSES[ndim]), GRIDS[ndim]
    few, many = (np.asarray(source_patterns(transducer, grid, points).weights[0]) for points in (2, 20))
    assert relative_l2(low_passed(few, grid, 0.65), low_passed(many, grid, 0.65)) < 1e-6


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_kwave_array(shape, ndim):
    """The propagating part (4 points per wavelength and more); k-Wave cuts its interpolant off and has a spiral."""
    transducer, grid = SHAPES[shape](**POSES[ndim]), GRIDS[ndim]
    ours = low_passed(np.asarray(source_patterns(transducer, grid).weights[0]), grid, 0.5)
    coarse, fine = (
        relative_l2(low_passed(kwave_weights(transducer, grid, tolerance), grid, 0.5), ours)
        for tolerance in (0.1, 0.02)
    )
    assert fine < 0.02
    assert fine < coarse


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["position", "axis", "surface_pressure"])
def test_gradients(shape, ndim, name):
    transducer, grid = SHAPES[shape](**POSES[ndim]), GRIDS[ndim]
    mask = jnp.asarray(np.random.default_rng(0).standard_normal(grid.shape))

    def scalar(value):
        changed = eqx.tree_at(lambda t: getattr(t, name), transducer, value)
        return jnp.sum(mask * source_patterns(changed, grid).weights[0])

    value = getattr(transducer, name)
    direction = jnp.asarray(np.random.default_rng(1).standard_normal(value.shape)) * (1e-3 if name == "position" else 1)
    step = 2e-5
    difference = (scalar(value + step * direction) - scalar(value - step * direction)) / (2 * step)
    assert float(jnp.sum(jax.grad(scalar)(value) * direction)) == pytest.approx(float(difference), rel=1e-6)


def test_an_array_is_the_sum_of_its_elements():
    grid = GRIDS[3]
    elements = [
        Piston(
            diameter=3e-3,
            frequency=FREQUENCY,
            surface_pressure=1.0 + 0.3 * n,
            phase=0.7 * n,
            position=(4e-3 * n - 4e-3, 0.0, -5e-3),
            axis=(0.1 * n, 0.0, 1.0),
        )
        for n in range(3)
    ]
    patterns = source_patterns(TransducerArray.of(elements), grid)
    together = sum(
        np.asarray(w) * np.exp(1j * np.asarray(p)) for w, p in zip(patterns.weights, patterns.phases, strict=True)
    )
    single = 0
    for element in elements:
        patterns = source_patterns(element, grid)
        single = single + np.asarray(patterns.weights[0]) * np.exp(1j * np.asarray(patterns.phases[0]))
    np.testing.assert_allclose(together, single, atol=1e-13)


def test_an_array_needs_equal_elements():
    pose = POSES[3]
    with pytest.raises(ValueError, match="of 2 kinds"):
        TransducerArray.of([SHAPES["bowl"](**pose), SHAPES["piston"](**pose)])


def trigonometric(offset, num_points):
    """The interpolant of a periodic grid as the sum of the waves that it holds."""
    offset = np.asarray(offset)
    orders = np.arange(-((num_points - 1) // 2), (num_points - 1) // 2 + 1)
    value = np.cos(2 * np.pi * orders * offset[..., None] / num_points).sum(axis=-1)
    return (value + (np.cos(np.pi * offset) if num_points % 2 == 0 else 0.0)) / num_points


def relative_l2(answer, truth):
    return np.linalg.norm(answer - truth) / np.linalg.norm(truth)


def low_passed(weights, grid, share):
    """What is left of `weights` at wavenumbers up to a `share` of the grid's limit along an axis."""
    kept = np.asarray(spectral.magnitude(spectral.wavenumbers(grid.shape, grid.spacing))) < share * np.pi / grid.spacing
    return np.fft.irfftn(kept * np.fft.rfftn(weights), s=grid.shape, axes=range(weights.ndim))


def kwave_weights(transducer, grid, tolerance):
    """Weights of a bowl, arc, disc or line by kWaveArray."""
    import_kwave()
    from kwave.kgrid import kWaveGrid
    from kwave.utils.kwave_array import kWaveArray

    array = kWaveArray(bli_tolerance=tolerance, upsampling_rate=10)
    middle = np.asarray(grid.origin) + grid.spacing * (np.asarray(grid.shape) // 2)  # origin of k-Wave's coordinates
    position, axis = np.asarray(transducer.position) - middle, np.asarray(transducer.axis)
    ahead = (position + 15e-3 * axis).tolist()
    if isinstance(transducer, FocusedBowl):
        add = array.add_arc_element if grid.ndim == 2 else array.add_bowl_element
        add(position.tolist(), transducer.radius_of_curvature, transducer.aperture_diameter, ahead)
    elif grid.ndim == 2:
        half = 0.5 * transducer.diameter * np.asarray([-axis[1], axis[0]])
        array.add_line_element((position - half).tolist(), (position + half).tolist())
    else:
        array.add_disc_element(position.tolist(), transducer.diameter, ahead)
    return np.asarray(array.get_array_grid_weights(kWaveGrid(list(grid.shape), [grid.spacing] * grid.ndim)), float)
