"""Solvers of periodic flow, each as its user would run it: a compiled loop over steps, on spectra where it has them.

The plane: Kolmogorov flow of amplitude 1 and four waves with a drag of 0.1. The box: the Taylor-Green vortex. Sides are
2 pi. All start from the same large eddies.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from flow_race import Case, Contender, compiled_rollout

from fieldcast.simulators.flows.forcing import KolmogorovForcing
from fieldcast.simulators.flows.navier_stokes_2d import NavierStokes2D
from fieldcast.simulators.flows.navier_stokes_3d import NavierStokes3D
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.periodic_starts import peaked_spectrum, random_vorticity, taylor_green_velocity
from fieldcast.simulators.stepper import FlowSolver

SIDE = 2 * math.pi
DRAG = 0.1
WAVES = 4


def box_of(case: Case) -> PeriodicBox:
    return PeriodicBox(case.num_points, (SIDE,) * len(case.num_points))


def start_of(case: Case) -> np.ndarray:
    """Vorticity in the plane, velocity in the box."""
    box = box_of(case)
    if len(case.num_points) == 3:
        return np.asarray(taylor_green_velocity(box).astype(case.dtype))
    return np.asarray(random_vorticity(box, peaked_spectrum(6.0), key=jax.random.key(0)).astype(case.dtype))


def ours_plane(case: Case) -> Contender:
    forcing = KolmogorovForcing(1.0, WAVES)
    return _ours(NavierStokes2D(box_of(case), case.viscosity, case.dt, DRAG, forcing), case)


def ours_box(case: Case) -> Contender:
    return _ours(NavierStokes3D(box_of(case), case.viscosity, case.dt), case)


def _ours(solver: FlowSolver, case: Case) -> Contender:
    return compiled_rollout(solver, start_of(case), case, "Runge-Kutta 4, integrating factor", evaluations=4)


def exponax_plane(case: Case) -> Contender:
    """Its vorticity has the other sign, and so has the force on it."""
    from exponax.stepper import KolmogorovFlowVorticity

    stepper = KolmogorovFlowVorticity(
        2, SIDE, case.num_points[0], case.dt, diffusivity=case.viscosity, drag=-DRAG, injection_mode=WAVES,
        injection_scale=-1.0, order=4,
    )  # fmt: skip
    return _exponax(stepper, case, -1)


def exponax_box(case: Case) -> Contender:
    from exponax.stepper import NavierStokesVelocity

    return _exponax(
        NavierStokesVelocity(3, SIDE, case.num_points[0], case.dt, diffusivity=case.viscosity, order=4), case, 1
    )


def _exponax(stepper: eqx.Module, case: Case, sign: int) -> Contender:
    import exponax

    num_points, dimensions = case.num_points[0], len(case.num_points)
    return Contender(
        "ETDRK4",
        exponax.fft(jnp.asarray(sign * start_of(case)), num_spatial_dims=dimensions),
        run=eqx.filter_jit(exponax.repeat(stepper.step_fourier, case.num_steps)),
        fields=lambda state: sign * np.asarray(exponax.ifft(state, num_spatial_dims=dimensions, num_points=num_points)),
        evaluations=lambda: 4,
    )


def jax_cfd_plane(case: Case) -> Contender:
    from jax_cfd.base import funcutils, grids
    from jax_cfd.spectral import equations, time_stepping

    grid = grids.Grid(case.num_points, domain=((0, SIDE),) * 2)
    equation = equations.ForcedNavierStokes2D(case.viscosity, grid, smooth=True)  # with this force and this drag
    step = time_stepping.crank_nicolson_rk4(equation, case.dt)
    return Contender(
        "Runge-Kutta 4, Crank-Nicolson",
        jnp.fft.rfftn(jnp.asarray(start_of(case)[0])),
        run=jax.jit(funcutils.repeated(step, case.num_steps)),
        fields=lambda state: np.asarray(jnp.fft.irfftn(state))[None],
        evaluations=lambda: 5,
    )


def jax_cfd_box(case: Case) -> Contender:
    """Its default: one explicit Euler step."""
    from jax_cfd.base import time_stepping

    return _jax_cfd_box(case, time_stepping.forward_euler, "finite volumes, Euler", 1)


def jax_cfd_box_rk4(case: Case) -> Contender:
    from jax_cfd.base import time_stepping

    return _jax_cfd_box(case, time_stepping.classic_rk4, "finite volumes, Runge-Kutta 4", 4)


def _jax_cfd_box(case: Case, time_stepper: object, scheme: str, evaluations: int) -> Contender:
    """Velocities live on the faces of cells: their spectra are shifted there and back."""
    from jax_cfd.base import boundaries, equations, funcutils, grids, initial_conditions

    grid = grids.Grid(case.num_points, domain=((0, SIDE),) * 3)
    step = equations.semi_implicit_navier_stokes(
        density=1.0, viscosity=case.viscosity, dt=case.dt, grid=grid, time_stepper=time_stepper
    )
    run = jax.jit(funcutils.repeated(step, case.num_steps))
    components = [shifted(u, offset) for u, offset in zip(start_of(case), grid.cell_faces, strict=True)]
    conditions = (boundaries.periodic_boundary_conditions(3),) * 3
    state = initial_conditions.wrap_variables([jnp.asarray(u) for u in components], grid, conditions)

    def fields(state: tuple) -> np.ndarray:
        return np.stack([shifted(np.asarray(u.data), tuple(-part for part in u.offset)) for u in state])

    return Contender(scheme, state, run, fields, lambda: evaluations)


def shifted(field: np.ndarray, offset: tuple[float, ...]) -> np.ndarray:
    """The values of a periodic field this many spacings further along each axis."""
    spectrum = np.fft.fftn(field)
    for axis, (n, part) in enumerate(zip(field.shape, offset, strict=True)):
        phase = np.exp(2j * np.pi * part * np.fft.fftfreq(n))
        spectrum *= np.expand_dims(phase, tuple(other for other in range(field.ndim) if other != axis))
    return np.fft.ifftn(spectrum).real.astype(field.dtype)
