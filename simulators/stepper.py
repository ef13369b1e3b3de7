"""The contract of everything that goes through time step by step: flow solvers and their surrogates."""

import abc
import math
from functools import partial
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

State = PyTree[Any]


def parameter(**settings: Any) -> Any:
    """A field of a module that holds a number of the physics: a leaf, so that sweeps and gradients reach it."""
    return eqx.field(converter=partial(jnp.asarray, dtype=float), **settings)


class Stepper(eqx.Module):
    """What takes a state one time step further.

        state_next = step(state)

    A state may be any pytree of arrays (spectral coefficients, a stack of past fields). What others see, compare and
    store are fields in physical space, channel first: `decode` gives them, `encode` makes a state of them. A plain
    surrogate steps the fields themselves, and both are the identity.

    States are unbatched; `jax.vmap` steps an ensemble, over states or over the parameters of the stepper.
    """

    dt: eqx.AbstractVar[float]
    """Time from a state to the next, in the scales of the flow."""

    @abc.abstractmethod
    def __call__(self, state: State) -> State:
        """The state one `dt` later."""

    def encode(self, fields: Float[Array, "channel *space"]) -> State:
        """The state that `fields` belong to."""
        return fields

    def decode(self, state: State) -> Float[Array, "channel *space"]:
        """The fields of a state, in physical space."""
        return state


class FlowGrid(eqx.Module):
    """Where the fields of a flow live: a product of axes, each with its coordinates and quadrature weights.

    Lengths are in the scales of the flow. Periodic axes carry no endpoint.
    """

    @property
    @abc.abstractmethod
    def axis_names(self) -> tuple[str, ...]:
        """Names of the axes, such as `x`, `y`, `z`."""

    @property
    @abc.abstractmethod
    def periodic(self) -> tuple[bool, ...]:
        """Which axes are periodic."""

    @abc.abstractmethod
    def axes(self) -> tuple[np.ndarray, ...]:
        """Coordinates of the points along each axis."""

    @abc.abstractmethod
    def weights(self) -> tuple[np.ndarray, ...]:
        """Quadrature weights along each axis; the sum of their product times a field is its integral."""

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(axis) for axis in self.axes())

    def points(self) -> Float[np.ndarray, "axis *space"]:
        """Coordinates of every point."""
        return np.stack(np.meshgrid(*self.axes(), indexing="ij"))

    def mean(self, field: Float[Array, "..."]) -> Float[Array, "..."]:
        """The volume mean of a field, or of every channel of fields."""
        for weights in reversed(self.weights()):
            field = field @ jnp.asarray(weights / weights.sum(), field.dtype)
        return field


class FlowSolver(Stepper):
    """A stepper made of equations: it can take time steps of any length, on a grid with named fields."""

    grid: eqx.AbstractVar[FlowGrid]
    """Where the fields live."""

    def __check_init__(self):
        if not 0 < self.dt < math.inf:
            raise ValueError(f"The time step must be a positive number, got {self.dt}.")

    @property
    @abc.abstractmethod
    def components(self) -> tuple[str, ...]:
        """Names of the channels of the fields, such as `velocity_x` or `density`."""

    def check_fields(self, fields: Array) -> None:
        """Refuses fields that are not those of this flow: every `encode` begins with it."""
        expected = (len(self.components), *self.grid.shape)
        if fields.shape != expected:
            raise ValueError(
                f"The fields of this flow are {self.components} and have the shape {expected}, got {fields.shape}."
            )

    @abc.abstractmethod
    def advance(self, state: State, dt: Float[Array, ""]) -> State:
        """The state `dt` later, in one time step."""

    @abc.abstractmethod
    def largest_step(self, state: State) -> Float[Array, ""]:
        """The time step that the scheme can take from this state, by its Courant and diffusion numbers."""

    def __call__(self, state: State) -> State:
        return self.advance(state, jnp.asarray(self.dt, dtype=float))
