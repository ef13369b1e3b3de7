"""Gradients through both steady-state solvers with respect to all that a scene has, in double precision."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from kspace_scenes import textured_scene
from scene_gradients import LEAVES, gradient_of, leaf_error, scalar_of

from fieldcast.simulators.acoustics.born_series import BornSeries
from fieldcast.simulators.acoustics.kspace import KSpace
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer

pytestmark = pytest.mark.usefixtures("x64")

SOLVERS = {
    "time steps": KSpace(
        tolerance=0.0, settle_periods=6, most_periods=8, steps_per_period=24, layer=PerfectlyMatchedLayer(6)
    ),
    "implicit function theorem": BornSeries(tolerance=1e-11, layer=PerfectlyMatchedLayer(6, 1.0), restart=40),
}


@pytest.fixture(scope="module", params=SOLVERS)
def case(request):
    """A solver, a scene, and the gradient of a scalar of its field."""
    solver = SOLVERS[request.param]
    with jax.enable_x64(True):
        scene = textured_scene((22, 24), phase=0.3)
        return solver, scene, gradient_of(scene, solver)


@pytest.mark.parametrize("name", LEAVES)
def test_equals_central_differences(case, name):
    solver, scene, gradient = case
    assert leaf_error(scene, solver, gradient, name) < 2e-6


def test_equals_forward_mode(case):
    solver, scene, gradient = case
    leaf = LEAVES["phase"]
    _, tangent = jax.jvp(
        lambda value: scalar_of(eqx.tree_at(leaf, scene, value), solver), (leaf(scene),), (jnp.ones(()),)
    )
    assert float(tangent) == pytest.approx(float(leaf(gradient)), rel=1e-9)
