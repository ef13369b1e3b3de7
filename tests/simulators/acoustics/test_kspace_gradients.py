"""Gradients through the time-domain solver in its other uses, against central differences in double precision."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kspace_scenes import FREQUENCY, textured_medium, textured_scene
from scene_gradients import directional_error, gradient_of, leaf_error, scalar_of

from fieldcast.simulators.acoustics.kspace import KSpace
from fieldcast.simulators.acoustics.kspace_absorption import PowerLaw
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.kspace_run import simulate
from fieldcast.simulators.acoustics.kspace_scheme import KSpaceScheme
from fieldcast.simulators.acoustics.kspace_sources import GridPoints, PressureSource
from fieldcast.simulators.acoustics.medium import Medium
from fieldcast.simulators.acoustics.piston import Piston
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.transducer_array import TransducerArray
from fieldcast.simulators.grid import Grid

pytestmark = pytest.mark.usefixtures("x64")

RELATIVE = 1e-6
SOLVER = KSpace(tolerance=0.0, settle_periods=6, most_periods=8, steps_per_period=24, layer=PerfectlyMatchedLayer(6))


@pytest.fixture(scope="module")
def scene():
    with jax.enable_x64(True):
        return textured_scene((24, 26), phase=0.3)


def test_scene_in_three_dimensions_with_a_fixed_reference():
    scene = textured_scene((14, 15, 16))
    solver = KSpace(
        tolerance=0.0,
        settle_periods=4,
        most_periods=6,
        steps_per_period=24,
        layer=PerfectlyMatchedLayer(4),
        reference_sound_speed=3000.0,
    )
    gradient = gradient_of(scene, solver)
    for name in ("sound speed", "axis"):
        assert leaf_error(scene, solver, gradient, name) < RELATIVE


def test_array_of_elements(scene):
    elements = [
        Piston(
            diameter=3e-3,
            frequency=FREQUENCY,
            surface_pressure=1e5,
            phase=0.5 * n,
            position=(x, -9e-3),
            axis=(0.1, 1.0),
        )
        for n, x in enumerate((-4e-3, 0.5e-3, 5e-3))
    ]
    scene = Scene(scene.medium, TransducerArray.of(elements))
    gradient = gradient_of(scene, SOLVER)
    for name, field in (("phase", "phase"), ("source amplitude", "surface_pressure"), ("position", "position")):

        def leaf(scene, field=field):
            return getattr(scene.transducer.elements, field)

        def scalar(value, leaf=leaf):
            return scalar_of(eqx.tree_at(leaf, scene, value), SOLVER)

        assert directional_error(scalar, leaf(gradient), leaf(scene), name) < RELATIVE


def test_adaptive_run_and_its_checkpoints(scene):
    """Reverse mode through a loop whose length depends on the field; deeper nesting changes nothing."""
    solver = KSpace(tolerance=0.1, settle_periods=5, steps_per_period=24, layer=PerfectlyMatchedLayer(6))
    gradient = gradient_of(scene, solver)
    assert leaf_error(scene, solver, gradient, "position") < RELATIVE
    deeper = gradient_of(scene, KSpace(**{**vars(solver), "checkpoint_levels": 3}))
    np.testing.assert_allclose(deeper.transducer.position, gradient.transducer.position, rtol=1e-9)


def test_time_domain():
    """The nonlinear, dispersive scheme with an initial pressure and a source: every input."""
    grid = Grid((18, 20), 1e-3)
    medium = textured_medium(grid, power=1.5)
    medium = Medium(medium.sound_speed, medium.density, medium.attenuation, 1.5, grid, jnp.full(grid.shape, 6.0))
    random = np.random.default_rng(0)
    pressure = 1e7 * jnp.asarray(random.standard_normal(grid.shape))
    points = GridPoints(np.asarray([[5, 5], [6, 9], [7, 12]]), grid.shape)
    inputs = (medium, pressure, 1e6 * jnp.asarray(random.standard_normal((3, 30))))

    @eqx.filter_jit
    def scalar(inputs):
        medium, pressure, signals = inputs
        scheme = KSpaceScheme(
            medium,
            5e-8,
            [PressureSource(points, signals)],
            absorption=PowerLaw(dispersion=True),
            layer=PerfectlyMatchedLayer(5, outside=False),
        )
        _, records = simulate(scheme, scheme.released(pressure), 40, lambda s: s.pressure, checkpoint_levels=1)
        return 1e-14 * jnp.sum(records[-1] ** 2) + 1e-7 * jnp.sum(records[20])

    gradient = eqx.filter_grad(scalar)(inputs)
    leaves = {
        "sound speed": lambda x: x[0].sound_speed,
        "density": lambda x: x[0].density,
        "attenuation": lambda x: x[0].attenuation,
        "B/A": lambda x: x[0].nonlinearity,
        "initial pressure": lambda x: x[1],
        "signals": lambda x: x[2],
    }
    for name, leaf in leaves.items():

        def moved(value, leaf=leaf):
            return scalar(eqx.tree_at(leaf, inputs, value))

        assert directional_error(moved, leaf(gradient), leaf(inputs), name) < RELATIVE
