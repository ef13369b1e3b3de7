"""A fixed interval in as many steps as the flow needs, by diffrax."""

from collections.abc import Callable
from typing import ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from fieldcast.simulators.stepper import FlowSolver, State, Stepper


class Stride(Stepper):
    """A flow over a fixed interval, in steps that its Courant number allows.

    Steps are of equal length as far as the limit stays the same, and the last one ends on the interval. What went on
    before does not matter: a run that stops between two strides and goes on gives the same as one that never stopped.
    A flow at rest may allow a step of any length, forced or not: let it start from something that moves. Reverse-mode
    derivatives keep a bounded number of states and compute the rest again.

    **Arguments:**

    - `flow`: its own `dt` is not used.
    - `dt`: the interval, in the scales of the flow.
    - `max_steps`: more than these raise an error, as does a flow that blows up.
    """

    flow: FlowSolver
    dt: float = eqx.field(static=True)
    max_steps: int = eqx.field(static=True, default=4096)

    def __check_init__(self):
        if not self.dt > 0:
            raise ValueError(f"The interval must be positive, got {self.dt}.")

    def __call__(self, state: State) -> State:
        arrays, static = eqx.partition(state, eqx.is_array)

        def restored(y: PyTree) -> State:
            return eqx.combine(jax.tree.map(_as_complex, y, arrays), static)

        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, args: y),  # never called: the solver below knows the flow
            _Advance(self.flow, restored),
            t0=0.0,
            t1=self.dt,
            dt0=None,
            y0=jax.tree.map(_as_real, arrays),
            stepsize_controller=_CourantController(self.flow, restored, self.dt),
            max_steps=self.max_steps,
        )
        return restored(jax.tree.map(lambda leaf: leaf[-1], solution.ys))

    def encode(self, fields: Float[Array, "channel *space"]) -> State:
        return self.flow.encode(fields)

    def decode(self, state: State) -> Float[Array, "channel *space"]:
        return self.flow.decode(state)


class _Advance(diffrax.AbstractSolver):
    """The flow's own time step, as diffrax calls it."""

    flow: FlowSolver
    restored: Callable[[PyTree], State]

    term_structure: ClassVar = diffrax.ODETerm
    interpolation_cls: ClassVar = diffrax.LocalLinearInterpolation

    def order(self, terms: PyTree) -> None:
        return None

    def init(self, terms, t0, t1, y0, args) -> None:
        return None

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        following = self.flow.advance(self.restored(y0), t1 - t0)
        y1 = jax.tree.map(_as_real, eqx.filter(following, eqx.is_array))
        return y1, None, {"y0": y0, "y1": y1}, None, diffrax.RESULTS.successful

    def func(self, terms, t0, y0, args) -> PyTree:
        return terms.vf(t0, y0, args)


class _CourantController(diffrax.AbstractStepSizeController):
    """Divides what is left of the interval into the fewest equal steps that the flow allows."""

    flow: FlowSolver
    restored: Callable[[PyTree], State]
    interval: float

    def wrap(self, direction) -> "_CourantController":
        return self

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order):
        return self._next(t0, y0), None

    def adapt_step_size(self, t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state):
        return True, t1, self._next(t1, y1_candidate), False, None, diffrax.RESULTS.successful

    def _next(self, t: Float[Array, ""], y: PyTree) -> Float[Array, ""]:
        limit = self.flow.largest_step(self.restored(y)).astype(t.dtype)
        limit = eqx.error_if(
            limit,
            ~(limit > 0),
            f"Within an interval of {self.interval} the flow allows no time step any more: it blew up. Check that its "
            "start is finite and its viscosity not negative; if so, take a finer grid.",
        )
        num_steps = jnp.maximum(jnp.ceil((self.interval - t) / limit), 1.0)
        return t + (self.interval - t) / num_steps


def _as_real(leaf: Array) -> Array:
    """diffrax steps real numbers only: a complex array becomes its two parts."""
    return jnp.stack([jnp.real(leaf), jnp.imag(leaf)]) if jnp.iscomplexobj(leaf) else leaf


def _as_complex(leaf: Array, like: Array) -> Array:
    return jax.lax.complex(leaf[0], leaf[1]) if jnp.iscomplexobj(like) else leaf
