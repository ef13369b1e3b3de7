"""What every flow solver promises: fields of its grid and names go in and come out, all else is refused."""

import jax
import jax.numpy as jnp
import pytest

from fieldcast.simulators.flows import (
    BuoyantSmoke,
    ChannelFlow,
    ChannelGrid,
    ChannelStatistics,
    ClosedBox,
    CompressibleFlow,
    ConstantFlux,
    LineSpectra,
    NavierStokes2D,
    NavierStokes3D,
    PeriodicBox,
    ShallowWater,
    SphereGrid,
    SphericalTransform,
)

pytestmark = pytest.mark.usefixtures("x64")

SOLVERS = {
    "channel": lambda dt: ChannelFlow(ChannelGrid((4, 9, 6), (2.0, 1.0)), 0.1, ConstantFlux(1.0), dt=dt),
    "plane": lambda dt: NavierStokes2D(PeriodicBox((6, 8), (1.0, 2.0)), 0.1, dt=dt),
    "box": lambda dt: NavierStokes3D(PeriodicBox((4, 6, 8), (1.0, 1.0, 2.0)), 0.1, dt=dt),
    "gas": lambda dt: CompressibleFlow(PeriodicBox((6, 8), (1.0, 2.0)), dt=dt),
    "sphere": lambda dt: ShallowWater(SphericalTransform(3, SphereGrid(6, 12)), dt=dt),
    "smoke": lambda dt: BuoyantSmoke(ClosedBox((6, 8), (1.0, 2.0)), 0.1, 0.5, dt=dt),
}


@pytest.mark.parametrize("name", SOLVERS)
def test_fields_and_states(name):
    flow = SOLVERS[name](0.01)
    shape = (len(flow.components), *flow.grid.shape)
    assert len(flow.grid.axis_names) == len(flow.grid.periodic) == len(flow.grid.shape)
    fields = jax.ShapeDtypeStruct(shape, float)
    state = jax.eval_shape(flow.encode, fields)
    assert jax.eval_shape(flow.decode, state).shape == shape
    following = jax.eval_shape(flow, state)
    assert jax.tree.structure(following) == jax.tree.structure(state)
    assert [leaf.shape for leaf in jax.tree.leaves(following)] == [leaf.shape for leaf in jax.tree.leaves(state)]
    assert jax.eval_shape(flow.largest_step, state).shape == ()
    with pytest.raises(ValueError, match="have the shape"):
        jax.eval_shape(flow.encode, jax.ShapeDtypeStruct((*shape[:-1], shape[-1] + 1), float))
    with pytest.raises(ValueError, match="have the shape"):  # which annotations notice first, where they are checked
        flow.check_fields(jnp.zeros((shape[0] + 1, *shape[1:])))


@pytest.mark.parametrize("dt", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", SOLVERS)
def test_a_time_step_must_be_positive(name, dt):
    with pytest.raises(ValueError, match="time step must be a positive number"):
        SOLVERS[name](dt)


def test_fluctuations_that_vanish_have_a_derivative():
    """At a wall there is no fluctuation, and the slope of a root would be infinite."""

    def total(fields):
        return jnp.sum(ChannelStatistics.empty(5).update(fields).root_mean_square)

    fields = jax.random.normal(jax.random.key(0), (3, 4, 5, 4)).at[:, :, jnp.array([0, -1])].set(0.0)
    slope = jax.grad(total)(fields)
    assert jnp.isfinite(slope).all()
    assert jnp.abs(slope[:, :, 1:-1]).max() > 0


def test_planes_beyond_the_walls_are_refused():
    with pytest.raises(ValueError, match="not all among"):
        LineSpectra.empty(0, 4, (7,)).update(jnp.zeros((3, 4, 5, 4)))
