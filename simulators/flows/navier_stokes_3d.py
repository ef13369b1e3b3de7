"""Incompressible flow in a periodic box in three dimensions, by its velocity."""

from functools import partial

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from fieldcast.simulators import spectral
from fieldcast.simulators.flows import periodic_operators as operators
from fieldcast.simulators.flows.closure import Closure, Resolution, subgrid_stress
from fieldcast.simulators.flows.forcing import Forcing
from fieldcast.simulators.flows.integrating_factor import integrating_factor_rk4
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.stepper import FlowSolver, parameter


class NavierStokes3D(FlowSolver):
    """The Navier-Stokes equations in a periodic box, pseudo-spectral in the velocity.

        du_i/dt = -d/dx_j (u_i u_j) - dp/dx_i + nu laplacian u_i + d/dx_j (2 nu_t S_ij) + f_i,   du_i/dx_i = 0

    Quadratic terms are those of a Galerkin method (2/3 rule). The pressure is the projection onto divergence-free
    fields; it also takes the isotropic part of the momentum flux, of which five components then are transformed: eight
    transforms in all. Viscosity is integrated exactly, the rest by a fourth-order Runge-Kutta scheme
    (`integrating_factor_rk4`). The state is the half spectrum of the velocity.

    Lengths and velocities are in scales of the user's choice, `nu` in their product: with both of order one it is the
    inverse of a Reynolds number.

    **Arguments:**

    - `grid`: of three axes.
    - `viscosity`: `nu`.
    - `dt`: time of one step.
    - `forcing`: `f`; none by default.
    - `closure`: the model that gives the eddy viscosity `nu_t` of a large-eddy simulation; none by default. The grid
      that it sees has as many points as modes are retained, about 2/3 of the box's along each axis.

    Source: Basdevant, J. Comput. Phys. 50, 209-214, 1983, doi:10.1016/0021-9991(83)90064-5 (eight transforms);
    Rogallo, NASA TM 81315, 1981 (integrating factor).
    """

    grid: PeriodicBox
    viscosity: Float[Array, ""] = parameter()
    dt: float = eqx.field(static=True)
    forcing: Forcing | None = None
    closure: Closure | None = None

    def __check_init__(self):
        if len(self.grid.num_points) != 3:
            raise ValueError(
                f"This flow needs a box of three axes, got one of {self.grid.num_points} points; "
                f"NavierStokes2D takes two."
            )

    @property
    def components(self) -> tuple[str, ...]:
        return ("velocity_x", "velocity_y", "velocity_z")

    def encode(self, fields: Float[Array, "3 x y z"]) -> Complex[Array, "3 x y modes"]:
        """The spectrum of a velocity: its divergence-free part, without the modes that products would alias."""
        self.check_fields(fields)
        return operators.leray_projection(operators.to_spectrum(fields, self.grid), self.grid)

    def decode(self, state: Complex[Array, "3 x y modes"]) -> Float[Array, "3 x y z"]:
        return operators.to_fields(state, self.grid)

    def advance(self, state: Complex[Array, "3 x y modes"], dt: Float[Array, ""]) -> Complex[Array, "3 x y modes"]:
        return integrating_factor_rk4(self.tendency, self.decay, state, dt)

    def tendency(self, state: Complex[Array, "3 x y modes"]) -> Complex[Array, "3 x y modes"]:
        """`du/dt` by advection, pressure, closure and forcing."""
        divergence = self._divergence_of(self._momentum_flux(state))
        acceleration = operators.leray_projection(-divergence, self.grid)
        if self.forcing is None:
            return acceleration
        force = self.forcing(state, acceleration + self.friction(state), self.grid)
        return acceleration + operators.leray_projection(operators.truncated(force, self.grid), self.grid)

    def friction(self, state: Complex[Array, "3 x y modes"]) -> Complex[Array, "3 x y modes"]:
        """`du/dt` by viscosity."""
        viscosity = self.viscosity.astype(state.real.dtype)
        rate = viscosity * operators.squared_wavenumber(self.grid, viscosity.dtype)
        return -spectral.scaled(state, rate[None])

    def decay(self, state: Complex[Array, "3 x y modes"], time: Float[Array, ""]) -> Complex[Array, "3 x y modes"]:
        """What viscosity leaves of a state after some time."""
        return operators.viscous_decay(state, self.viscosity, time, self.grid)

    def largest_step(self, state: Complex[Array, "3 x y modes"]) -> Float[Array, ""]:
        """The step at which the fastest wave turns by two radians; the scheme is stable up to 2.8.

            dt = 2 / (max(|u_i| k_i) + 2 max(nu_t) |k|^2),   k: the largest retained wavenumber along each axis

        The molecular viscosity sets no limit.
        """
        velocity = self.decode(state)
        rate = operators.fastest_turn(velocity, self.grid)
        if self.closure is not None:
            largest = jnp.max(self._eddy_viscosity(velocity, self._gradient(state)))
            rate = rate + 2.0 * largest * sum(k**2 for k in operators.largest_wavenumbers(self.grid))
        return 2.0 / rate

    def _momentum_flux(self, state: Complex[Array, "3 x y modes"]) -> Float[Array, "5 x y z"]:
        """`u_i u_j - 2 nu_t S_ij` less its zz component times the unit tensor: xx, yy, xy, xz, yz."""
        u, v, w = velocity = self.decode(state)
        flux = jnp.stack([u * u - w * w, v * v - w * w, u * v, u * w, v * w])
        if self.closure is None:
            return flux
        gradient = self._gradient(state)
        stress = subgrid_stress(self._eddy_viscosity(velocity, gradient), gradient)
        (xx, xy, xz), (_, yy, yz), (_, _, zz) = stress
        return flux - jnp.stack([xx - zz, yy - zz, xy, xz, yz])

    def _divergence_of(self, flux: Float[Array, "5 x y z"]) -> Complex[Array, "3 x y modes"]:
        xx, yy, xy, xz, yz = operators.to_spectrum(flux, self.grid)
        x, y, z = (partial(operators.derivative, axis=axis, box=self.grid) for axis in range(3))
        return jnp.stack([x(xx) + y(xy) + z(xz), x(xy) + y(yy) + z(yz), x(xz) + y(yz)])

    def _gradient(self, state: Complex[Array, "3 x y modes"]) -> Float[Array, "3 3 x y z"]:
        return operators.to_fields(operators.gradient(state, self.grid), self.grid)

    def _eddy_viscosity(
        self, velocity: Float[Array, "3 x y z"], gradient: Float[Array, "3 3 x y z"]
    ) -> Float[Array, "x y z"]:
        return self.closure.eddy_viscosity(velocity, gradient, Resolution(operators.grid_of_modes(self.grid)))
