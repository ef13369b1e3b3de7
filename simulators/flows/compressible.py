"""Compressible Navier-Stokes equations on periodic boxes, by finite volumes."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from fieldcast.simulators.flows.ideal_gas import Fields, sound_speed, to_conserved, to_primitive
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.reconstruction import Limiter, face_states, monotonized_central
from fieldcast.simulators.flows.riemann import hllc_flux
from fieldcast.simulators.flows.viscous_flux import viscous_flux
from fieldcast.simulators.stepper import FlowSolver

DIFFUSION_NUMBER = 0.25
"""Half of what the time scheme can take of `nu dt sum_a 1 / h_a^2`."""


class CompressibleFlow(FlowSolver):
    """A viscous ideal gas in a periodic box of one, two or three dimensions.

        d_t rho      + div(rho v)               = 0
        d_t (rho v)  + div(rho v v + p I - tau) = 0
        d_t E        + div((E + p) v - tau v)   = 0,     E = p / (gamma - 1) + rho |v|^2 / 2
        tau = eta (grad v + grad v^T) + (zeta - 2/3 eta) div v I

    There is no heat conduction. Any consistent scales do: with those of density `rho_0`, velocity `u_0` and length
    `L`, pressure is in `rho_0 u_0^2`, time in `L / u_0` and viscosity in `rho_0 u_0 L`; temperature is `p / rho`.

    Finite volumes: cells around the points of the box, primitive variables reconstructed with limited slopes (MUSCL),
    HLLC fluxes, central viscous fluxes, all axes at once, and Heun's method in time (strong-stability preserving).
    Second order where the flow is smooth; mass, momentum and energy are conserved to round-off. The state is the
    conserved variables (density, momentum, total energy). No floors: a state that turns unphysical becomes NaN.

    **Arguments:**

    - `grid`: where the gas is.
    - `dt`: time step of a call. `largest_step` tells what the scheme can take.
    - `shear_viscosity`, `bulk_viscosity`: eta and zeta, dynamic.
    - `heat_capacity_ratio`: gamma; 5/3 for a monatomic gas, 1.4 for air.
    - `limiter`: of the slopes, a function such as those in `reconstruction`.
    - `courant_number`: part of a cell that the fastest wave along an axis may cross in `largest_step`.

    Differentiable in both viscosities and the heat-capacity ratio, and in the state.

    Source: Toro, Riemann Solvers and Numerical Methods for Fluid Dynamics, 2009, doi:10.1007/b79761, chapters 10, 14
    and 16; Heun's method as in Shu and Osher, J. Comput. Phys. 77, 1988, doi:10.1016/0021-9991(88)90177-5.
    """

    grid: PeriodicBox
    dt: float = eqx.field(static=True)
    shear_viscosity: Float[Array, ""]
    bulk_viscosity: Float[Array, ""]
    heat_capacity_ratio: Float[Array, ""]
    limiter: Limiter = eqx.field(static=True)
    courant_number: float = eqx.field(static=True)

    def __init__(
        self,
        grid: PeriodicBox,
        dt: float,
        *,
        shear_viscosity: ArrayLike = 0.0,
        bulk_viscosity: ArrayLike = 0.0,
        heat_capacity_ratio: ArrayLike = 5.0 / 3.0,
        limiter: Limiter = monotonized_central,
        courant_number: float = 0.3,
    ):
        if not courant_number > 0.0:
            raise ValueError(f"The Courant number must be positive, got {courant_number}.")
        self.grid = grid
        self.dt = dt
        self.shear_viscosity = jnp.asarray(shear_viscosity, dtype=float)
        self.bulk_viscosity = jnp.asarray(bulk_viscosity, dtype=float)
        self.heat_capacity_ratio = jnp.asarray(heat_capacity_ratio, dtype=float)
        self.limiter = limiter
        self.courant_number = courant_number

    @property
    def components(self) -> tuple[str, ...]:
        return ("density", *(f"velocity_{name}" for name in self.grid.axis_names), "pressure")

    def encode(self, fields: Fields) -> Fields:
        """Conserved variables of the primitive ones."""
        self.check_fields(fields)
        return to_conserved(fields, self.heat_capacity_ratio.astype(fields.dtype))

    def decode(self, state: Fields) -> Fields:
        """Primitive variables of the conserved ones."""
        return to_primitive(state, self.heat_capacity_ratio.astype(state.dtype))

    def advance(self, state: Fields, dt: Float[Array, ""]) -> Fields:
        """One step of Heun's method, the mean of the state and of two Euler steps from it.

            U_1 = U + dt R(U),   U_2 = U_1 + dt R(U_1),   U_next = (U + U_2) / 2

        `R` is the net flow into the cells, by volume.
        """
        dt = dt.astype(state.dtype)
        # a loop, as it halves what has to be compiled
        later = jax.lax.fori_loop(0, 2, lambda _, euler: euler + dt * self._rate(euler), state)
        return 0.5 * (state + later)

    def largest_step(self, state: Fields) -> Float[Array, ""]:
        """The time step by the Courant number of the fastest wave along an axis, and by viscosity.

            dt = min( C min_a h_a / max(|v_a| + c),   1 / (4 nu sum_a 1 / h_a^2) ),   nu = (4/3 eta + zeta) / min rho

        over the axes `a`, with the Courant number `C` and the largest speed anywhere.
        """
        fields = self.decode(state)
        speed = jnp.abs(fields[1:-1]) + sound_speed(fields, self.heat_capacity_ratio.astype(state.dtype))[None]
        crossings = jnp.stack([jnp.max(along) / h for along, h in zip(speed, self.grid.spacing, strict=True)])
        viscosity = (4.0 / 3.0 * self.shear_viscosity + self.bulk_viscosity).astype(state.dtype) / jnp.min(fields[0])
        diffusion = viscosity * sum(1.0 / h**2 for h in self.grid.spacing)
        return 1.0 / jnp.maximum(jnp.max(crossings) / self.courant_number, diffusion / DIFFUSION_NUMBER)

    def _rate(self, state: Fields) -> Fields:
        """What flows into each cell, less what flows out, through the faces of all axes."""
        fields = self.decode(state)
        rate = jnp.zeros_like(state)
        for axis, h in enumerate(self.grid.spacing):
            flux = self._flux(fields, axis)
            rate = rate - (flux - jnp.roll(flux, 1, axis + 1)) / h
        return rate

    def _flux(self, fields: Fields, axis: int) -> Fields:
        gamma, eta, zeta = (
            parameter.astype(fields.dtype)
            for parameter in (self.heat_capacity_ratio, self.shear_viscosity, self.bulk_viscosity)
        )
        left, right = face_states(fields, axis, self.limiter)
        return hllc_flux(left, right, axis, gamma) + viscous_flux(fields[1:-1], axis, self.grid.spacing, eta, zeta)
