"""Incompressible flow in a periodic plane, by its vorticity."""

from functools import partial

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from fieldcast.simulators import spectral
from fieldcast.simulators.flows import periodic_operators as operators
from fieldcast.simulators.flows.forcing import Forcing
from fieldcast.simulators.flows.integrating_factor import integrating_factor_rk4
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.stepper import FlowSolver, parameter


class NavierStokes2D(FlowSolver):
    """The Navier-Stokes equations in a periodic plane, pseudo-spectral in the vorticity.

        domega/dt + u . grad omega = nu laplacian omega - alpha omega + curl f,   laplacian psi = -omega,
        u = (dpsi/dy, -dpsi/dx)

    Quadratic terms are those of a Galerkin method (2/3 rule), in the form of Basdevant,

        u . grad omega = (d2/dx2 - d2/dy2) (u v) + d2/dxdy (v^2 - u^2)

    which takes four transforms. Viscosity and drag are integrated exactly, the rest by a fourth-order Runge-Kutta
    scheme (`integrating_factor_rk4`). The state is the half spectrum of the vorticity; its mean is zero.

    Lengths and velocities are in scales of the user's choice, `nu` in their product: with both of order one it is the
    inverse of a Reynolds number.

    **Arguments:**

    - `grid`: of two axes.
    - `viscosity`: `nu`.
    - `dt`: time of one step.
    - `drag`: `alpha`, a linear friction that takes the energy out that two-dimensional flow gathers at large scales.
    - `forcing`: `f`; none by default.

    Source: Basdevant, J. Comput. Phys. 50, 209-214, 1983, doi:10.1016/0021-9991(83)90064-5.
    """

    grid: PeriodicBox
    viscosity: Float[Array, ""] = parameter()
    dt: float = eqx.field(static=True)
    drag: Float[Array, ""] = parameter(default=0.0)
    forcing: Forcing | None = None

    def __check_init__(self):
        if len(self.grid.num_points) != 2:
            raise ValueError(f"A flow in the plane needs a box of two axes, got one of {self.grid.num_points} points.")

    @property
    def components(self) -> tuple[str, ...]:
        return ("vorticity",)

    def encode(self, fields: Float[Array, "1 x y"]) -> Complex[Array, "x modes"]:
        """The spectrum of a vorticity, without its mean and the modes that products would alias."""
        self.check_fields(fields)
        return operators.to_spectrum(fields[0], self.grid).at[0, 0].set(0.0)

    def decode(self, state: Complex[Array, "x modes"]) -> Float[Array, "1 x y"]:
        return operators.to_fields(state, self.grid)[None]

    def velocity(self, state: Complex[Array, "x modes"]) -> Float[Array, "2 x y"]:
        """The velocity of a state, in physical space."""
        return operators.to_fields(operators.plane_velocity(state, self.grid), self.grid)

    def advance(self, state: Complex[Array, "x modes"], dt: Float[Array, ""]) -> Complex[Array, "x modes"]:
        return integrating_factor_rk4(self.tendency, self.decay, state, dt)

    def tendency(self, state: Complex[Array, "x modes"]) -> Complex[Array, "x modes"]:
        """`domega/dt` by advection and forcing."""
        advection = self._advection(state)
        if self.forcing is None:
            return advection
        velocity = operators.plane_velocity(state, self.grid)
        acceleration = operators.plane_velocity(advection + self.friction(state), self.grid)
        force = self.forcing(velocity, acceleration, self.grid)
        return advection + operators.truncated(operators.curl(force, self.grid)[0], self.grid)

    def friction(self, state: Complex[Array, "x modes"]) -> Complex[Array, "x modes"]:
        """`domega/dt` by viscosity and drag."""
        viscosity, drag = (number.astype(state.real.dtype) for number in (self.viscosity, self.drag))
        return -spectral.scaled(state, viscosity * operators.squared_wavenumber(self.grid, viscosity.dtype) + drag)

    def decay(self, state: Complex[Array, "x modes"], time: Float[Array, ""]) -> Complex[Array, "x modes"]:
        """What viscosity and drag leave of a state after some time."""
        slowed = spectral.scaled(state, jnp.exp(-self.drag.astype(time.dtype) * time))
        return operators.viscous_decay(slowed, self.viscosity, time, self.grid)

    def largest_step(self, state: Complex[Array, "x modes"]) -> Float[Array, ""]:
        """The step at which the fastest wave turns by two radians; the scheme is stable up to 2.8.

            dt = 2 / max(|u| k_x + |v| k_y),   k: the largest retained wavenumber along each axis

        Infinite at rest.
        """
        return 2.0 / operators.fastest_turn(self.velocity(state), self.grid)

    def _advection(self, state: Complex[Array, "x modes"]) -> Complex[Array, "x modes"]:
        u, v = self.velocity(state)
        shear, normal = operators.to_spectrum(jnp.stack([u * v, v * v - u * u]), self.grid)
        x, y = (partial(operators.derivative, axis=axis, box=self.grid) for axis in (0, 1))
        return y(y(shear)) - x(x(shear)) - x(y(normal))
