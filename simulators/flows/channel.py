"""Turbulent flow between two plates: a spectral solver of the incompressible Navier-Stokes equations."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from fieldcast.simulators import spectral
from fieldcast.simulators.flows.channel_forcing import ChannelForcing
from fieldcast.simulators.flows.channel_grid import ChannelGrid
from fieldcast.simulators.flows.closure import Closure, Resolution, subgrid_stress
from fieldcast.simulators.flows.no_slip_projection import clamped_basis
from fieldcast.simulators.flows.vortices import vorticity
from fieldcast.simulators.flows.wall_normal import along_y, between_walls, wall_normal
from fieldcast.simulators.stepper import FlowSolver, parameter

Field = Complex[Array, "y kx kz"]
Vector = Complex[Array, "3 y kx kz"]

# Three stages of Runge-Kutta for what is explicit, N, with Crank-Nicolson in each for viscosity, L:
# q_i = q_(i-1) + dt (alpha L q_(i-1) + beta L q_i + gamma N_(i-1) + zeta N_(i-2)).
# P. R. Spalart, R. D. Moser, M. M. Rogers, J. Comput. Phys. 96, 1991, doi:10.1016/0021-9991(91)90238-G.
ALPHA = np.array([29 / 96, -3 / 40, 1 / 6])
BETA = np.array([37 / 160, 5 / 24, 1 / 6])
GAMMA = np.array([8 / 15, 5 / 12, 3 / 4])
ZETA = np.array([0.0, -17 / 60, -5 / 12])
EXPLICIT_DECAY = 2.5
"""How fast a decay, times the time step, the explicit part of the scheme still follows without growth."""


class ChannelState(eqx.Module):
    """Spectral coefficients of a flow in a channel.

    Every mode of the velocity follows from its wall-normal component and the wall-normal vorticity `du/dz - dw/dx`, but
    for the mean mode, in which both vanish: there `vorticity` holds the mean profiles instead, as `U + i W`. They obey
    the same equation. What is stepped is the Laplacian of the wall-normal velocity.
    """

    normal_velocity: Field
    laplacian: Field
    vorticity: Field


class ChannelFlow(FlowSolver):
    """The incompressible Navier-Stokes equations between walls at y = -1 and y = 1, periodic along x and z.

        d(lap v)/dt = -d/dy (dH_x/dx + dH_z/dz) + (d^2/dx^2 + d^2/dz^2) H_y + nu lap lap v,     H = u x omega
        d(omega_y)/dt = dH_x/dz - dH_z/dx + nu lap omega_y
        dU/dt = <H_x> - dP/dx + nu U'',   dW/dt = <H_z> + nu W''

    Fourier modes along x and z with products free of aliases, Chebyshev points along y, and the scheme of Spalart,
    Moser and Rogers: of third order for H, of second order and implicit for viscosity. (A start whose vorticity does
    not fit the walls costs order until it has diffused.) Lengths are in half heights; the scale of velocity is the
    user's: laminar centre velocity 1 and `viscosity = 1 / Re`, or friction velocity 1 and `viscosity = 1 / Re_tau`.
    Needs double precision: two derivatives on Chebyshev points lose up to ten digits.

    **Arguments:**

    - `grid`.
    - `viscosity`.
    - `forcing`: `ConstantFlux` or `ConstantPressureGradient`.
    - `dt`: the time step of a call.
    - `closure`: adds the divergence of a subgrid stress to H, for grids that do not resolve the flow.
    - `courant_number`: of `largest_step`. For H alone the scheme is stable up to `sqrt(3)`.

    Source: J. Kim, P. Moin, R. Moser, J. Fluid Mech. 177, 1987, doi:10.1017/S0022112087000892.
    """

    grid: ChannelGrid
    viscosity: Float[Array, ""] = parameter()
    forcing: ChannelForcing
    dt: float = eqx.field(static=True)
    closure: Closure | None = None
    courant_number: float = eqx.field(static=True, default=1.5)

    def __check_init__(self):
        require_double_precision()
        if not self.courant_number > 0:
            raise ValueError(f"The Courant number must be positive, got {self.courant_number}.")

    @property
    def components(self) -> tuple[str, ...]:
        return ("velocity_x", "velocity_y", "velocity_z")

    def encode(self, fields: Float[Array, "3 x y z"]) -> ChannelState:
        """The state of the nearest velocity without divergence or slip; what has neither stays as it is.

        The wall-normal velocity of the fluctuations comes from an orthogonal projection. Of the mean profiles, and of
        the wall-normal vorticity, the values at the walls are set to zero.
        """
        require_double_precision()
        self.check_fields(fields)
        if fields.dtype != jnp.float64:
            raise ValueError(f"A channel needs its velocity in float64, got {fields.dtype}.")
        u, v, w = self.grid.to_spectrum(y_first(fields))
        ikx, ikz, k2 = symbols(self.grid)
        v = clamped_basis(self.grid.num_points[1]).nearest(v, ikx * u + ikz * w, k2)
        v = v.at[:, 0, 0].set(0)
        vorticity = (ikz * u - ikx * w).at[:, 0, 0].set(jax.lax.complex(jnp.real(u[:, 0, 0]), jnp.real(w[:, 0, 0])))
        laplacian = along_y(self._walls.second_derivative, v) - spectral.scaled(v, k2)
        return ChannelState(v, laplacian, between_walls(vorticity[1:-1]))

    def decode(self, state: ChannelState) -> Float[Array, "3 x y z"]:
        return y_first(self.grid.to_physical(self.velocity(state)))

    def velocity(self, state: ChannelState) -> Vector:
        """The velocity, as spectra.

        u = i (kx v' - kz omega_y) / k^2,   w = i (kz v' + kx omega_y) / k^2
        """
        ikx, ikz, k2 = symbols(self.grid)
        inverse = 1.0 / np.where(k2 > 0, k2, 1.0)
        slope = along_y(self._walls.derivative, state.normal_velocity)
        mean = state.vorticity[:, 0, 0]
        u = spectral.scaled(ikx * slope - ikz * state.vorticity, inverse).at[:, 0, 0].set(_real_part(mean))
        w = spectral.scaled(ikz * slope + ikx * state.vorticity, inverse).at[:, 0, 0].set(_real_part(-1j * mean))
        return jnp.stack([u, state.normal_velocity, w])

    def gradient(self, state: ChannelState) -> Float[Array, "3 3 x y z"]:
        """`gradient[i, j] = du_i/dx_j`, at the points of the grid."""
        return y_first(self.grid.to_physical(self._gradient(self.velocity(state))))

    def advance(self, state: ChannelState, dt: Float[Array, ""]) -> ChannelState:
        require_double_precision()

        def stage(carry, coefficients):
            state, before = carry
            sources = self._sources(state)
            return (self._stage(state, sources, before, dt * coefficients), sources), None

        nothing = (jnp.zeros_like(state.laplacian), jnp.zeros_like(state.vorticity))
        (state, _), _ = jax.lax.scan(stage, (state, nothing), np.stack([ALPHA, BETA, GAMMA, ZETA], axis=1))
        return state

    def largest_step(self, state: ChannelState) -> Float[Array, ""]:
        """`1 / max((|u| kx + |v| ky + |w| kz) / courant_number + nu_t (kx^2 + ky^2 + kz^2) / 2.5)`

        with the largest wavenumbers, `ky = pi` over the spacing along y, and nu_t of the closure, if there is one.
        """
        velocity = y_first(self.grid.to_physical(self.velocity(state)))
        kx, kz = (float(np.abs(k).max()) for k in self.grid.wavenumbers())
        ky = (np.pi / np.gradient(self.grid.axes()[1]))[:, None]
        u, v, w = jnp.abs(velocity)
        rate = (u * kx + v * ky[None] + w * kz) / self.courant_number
        if self.closure is not None:
            eddy_viscosity = self.closure.eddy_viscosity(velocity, self.gradient(state), Resolution(self.grid))
            rate += eddy_viscosity * (kx**2 + ky[None] ** 2 + kz**2) / EXPLICIT_DECAY
        return 1.0 / jnp.max(rate)

    @property
    def _walls(self):
        return wall_normal(self.grid.num_points[1])

    def _sources(self, state: ChannelState) -> tuple[Field, Field]:
        """What H does to the Laplacian of `v` and to the vorticity; the pressure takes the rest."""
        ikx, ikz, k2 = symbols(self.grid)
        x, y, z = self._force(self.velocity(state))
        laplacian = -along_y(self._walls.derivative, ikx * x + ikz * z) - spectral.scaled(y, k2)
        mean = jax.lax.complex(jnp.real(x[:, 0, 0]), jnp.real(z[:, 0, 0]))
        return laplacian, (ikz * x - ikx * z).at[:, 0, 0].set(mean)

    def _force(self, velocity: Vector) -> Vector:
        """`u x omega`, and the divergence of the subgrid stress."""
        grid, points = self.grid, self.grid.dealiased_points
        fluid = grid.to_physical(velocity, points)
        if self.closure is None:
            turning = grid.to_physical(self._vorticity(velocity), points)
            return grid.to_spectrum(jnp.cross(fluid, turning, axis=0))
        gradient = y_first(grid.to_physical(self._gradient(velocity), points))
        eddy_viscosity = self.closure.eddy_viscosity(y_first(fluid), gradient, Resolution(grid))
        stress = grid.to_spectrum(y_first(subgrid_stress(eddy_viscosity, gradient)))
        ikx, ikz, _ = symbols(grid)
        divergence = ikx[None] * stress[:, 0] + self._along_each(stress[:, 1]) + ikz[None] * stress[:, 2]
        return grid.to_spectrum(jnp.cross(fluid, y_first(vorticity(gradient)), axis=0)) + divergence

    def _vorticity(self, velocity: Vector) -> Vector:
        u, v, w = velocity
        ikx, ikz, _ = symbols(self.grid)
        shear_u, shear_w = (along_y(self._walls.derivative, component) for component in (u, w))
        return jnp.stack([shear_w - ikz * v, ikz * u - ikx * w, ikx * v - shear_u])

    def _gradient(self, velocity: Vector) -> Complex[Array, "3 3 y kx kz"]:
        ikx, ikz, _ = symbols(self.grid)
        return jnp.stack([ikx[None] * velocity, self._along_each(velocity), ikz[None] * velocity], axis=1)

    def _along_each(self, vector: Vector) -> Vector:
        """The derivative along y of every component."""
        return jnp.moveaxis(along_y(self._walls.derivative, jnp.moveaxis(vector, 0, 1)), 1, 0)

    def _stage(
        self,
        state: ChannelState,
        sources: tuple[Field, Field],
        before: tuple[Field, Field],
        coefficients: Float[Array, "4"],
    ) -> ChannelState:
        alpha, beta, gamma, zeta = coefficients
        k2 = symbols(self.grid)[2]

        def explicit(value: Field, source: Field, previous: Field) -> Field:
            diffusion = along_y(self._walls.second_derivative, value) - spectral.scaled(value, k2)
            change = spectral.scaled(diffusion, alpha * self.viscosity)
            return value + change + spectral.scaled(source, gamma) + spectral.scaled(previous, zeta)

        laplacian, vorticity = map(explicit, (state.laplacian, state.vorticity), sources, before)
        laplacian, normal_velocity = self._walls.clamped(laplacian, beta * self.viscosity, k2)
        vorticity = self._walls.dirichlet(vorticity, beta * self.viscosity, k2)
        return ChannelState(normal_velocity, laplacian, self._driven(vorticity, alpha + beta, beta))

    def _driven(self, vorticity: Field, span: Float[Array, ""], implicit: Float[Array, ""]) -> Field:
        """The mean profile with the pressure gradient of a stage that spans this time."""
        push = jnp.full((self.grid.num_points[1], 1, 1), span.astype(complex))
        response = self._walls.dirichlet(push, implicit * self.viscosity, np.zeros((1, 1, 1)))
        mean = vorticity[:, 0, 0]
        profile = self.forcing.drive(jnp.real(mean), jnp.real(response[:, 0, 0]))
        return vorticity.at[:, 0, 0].set(jax.lax.complex(profile, jnp.imag(mean)))


def symbols(grid: ChannelGrid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`i kx`, `i kz` and `k^2 = kx^2 + kz^2`, shaped to broadcast against spectra."""
    kx, kz = grid.wavenumbers()
    return 1j * kx, 1j * kz, kx**2 + kz**2


def y_first(fields: Float[Array, "*channel x y z"]) -> Float[Array, "*channel y x z"]:
    """Exchanges the first two axes of space, from the order of fields to that of spectra or back."""
    return jnp.swapaxes(fields, -3, -2)


def require_double_precision() -> None:
    """Refuses single precision."""
    if not jax.config.jax_enable_x64:
        raise ValueError(
            "A channel needs double precision, and JAX computes in single: call "
            'jax.config.update("jax_enable_x64", True) before anything else.'
        )


def _real_part(field: Complex[Array, " y"]) -> Complex[Array, " y"]:
    return jax.lax.complex(jnp.real(field), jnp.zeros_like(jnp.real(field)))
