"""Strides and rollouts of a flow so simple that its solution is known: an oscillation with a limited time step."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Complex, Float

from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.rollout import rollout
from fieldcast.simulators.stepper import FlowSolver
from fieldcast.simulators.stride import Stride

pytestmark = pytest.mark.usefixtures("x64")


class Oscillation(FlowSolver):
    """`dz/dt = i rate z`, exactly; the state counts its steps, and the first ones have to be short."""

    rate: Float[Array, ""]
    grid: PeriodicBox = PeriodicBox((2,), (1.0,))
    dt: float = 0.1

    @property
    def components(self) -> tuple[str, ...]:
        return ("real", "imaginary")

    def encode(self, fields: Float[Array, "2 2"]) -> tuple[Complex[Array, " 2"], Float[Array, ""]]:
        return jax.lax.complex(fields[0], fields[1]), jnp.asarray(0.0)

    def decode(self, state: tuple[Complex[Array, " 2"], Float[Array, ""]]) -> Float[Array, "2 2"]:
        return jnp.stack([jnp.real(state[0]), jnp.imag(state[0])])

    def advance(self, state, dt):
        value, num_steps = state
        angle = self.rate * dt
        return value * jax.lax.complex(jnp.cos(angle), jnp.sin(angle)), num_steps + 1

    def largest_step(self, state):
        return jnp.where(state[1] < 3, 0.1, 0.25)


FIELDS = np.array([[1.0, 0.0], [0.0, 2.0]])


def test_a_stride_ends_on_its_interval_in_steps_that_are_allowed():
    flow = Oscillation(jnp.asarray(0.7))
    stride = Stride(flow, 1.0)
    value, num_steps = stride(stride.encode(jnp.asarray(FIELDS)))
    np.testing.assert_allclose(value, flow.encode(jnp.asarray(FIELDS))[0] * np.exp(0.7j), rtol=1e-14)
    assert num_steps == 3 + 3  # three of 0.1, then the rest of 0.7 in three


def test_two_strides_are_one_rollout():
    stride = Stride(Oscillation(jnp.asarray(0.7)), 0.5)
    last, fields = rollout(stride, 2)(stride.encode(jnp.asarray(FIELDS)))
    one_by_one = stride(stride(stride.encode(jnp.asarray(FIELDS))))
    assert eqx.tree_equal(last, one_by_one)
    np.testing.assert_array_equal(fields[-1], stride.decode(last))


def test_derivatives_pass_through_a_stride():
    def angle(rate):
        value, _ = Stride(Oscillation(rate), 0.5)(Oscillation(rate).encode(jnp.asarray(FIELDS)))
        return jnp.angle(value[0])

    np.testing.assert_allclose(jax.grad(angle)(jnp.asarray(0.7)), 0.5, rtol=1e-12)


def test_a_flow_that_blew_up_is_named():
    class Explosion(Oscillation):
        def largest_step(self, state):
            return jnp.where(state[1] < 2, 0.1, jnp.nan)

    stride = Stride(Explosion(jnp.asarray(0.7)), 1.0)
    with pytest.raises(eqx.EquinoxRuntimeError, match="blew up"):
        jax.block_until_ready(stride(stride.encode(jnp.asarray(FIELDS))))


def test_too_many_steps_are_refused():
    stride = Stride(Oscillation(jnp.asarray(0.7)), 100.0, max_steps=20)
    with pytest.raises(eqx.EquinoxRuntimeError, match="maximum number of solver steps"):
        jax.block_until_ready(stride(stride.encode(jnp.asarray(FIELDS))))


def test_a_rollout_keeps_what_it_is_told_to():
    flow = Oscillation(jnp.asarray(0.7))
    last, records = rollout(flow, 4, inner_steps=5, record=lambda state: jnp.angle(state[0][0]))(
        flow.encode(jnp.asarray(FIELDS))
    )
    np.testing.assert_allclose(records, 0.7 * 0.1 * 5 * np.arange(1, 5), rtol=1e-13)
    assert last[1] == 20
    counted, squares = rollout(lambda n: n + 1, 3)(jnp.asarray(0))
    assert counted == 3
    np.testing.assert_array_equal(squares, [1, 2, 3])
    with pytest.raises(ValueError, match="inner_steps"):
        rollout(flow, 4, inner_steps=0)


def test_an_interval_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        Stride(Oscillation(jnp.asarray(0.7)), 0.0)
