"""Solvers of flow between plates, each as its user would run it.

Plane Poiseuille flow of centre velocity 1 with large waves on it, in a box of lengths 2 pi and pi.
"""

import math

import jax
import numpy as np
from flow_race import Case, Contender, compiled_rollout

from fieldcast.simulators.flows.channel import ChannelFlow
from fieldcast.simulators.flows.channel_forcing import ConstantPressureGradient
from fieldcast.simulators.flows.channel_grid import ChannelGrid
from fieldcast.simulators.flows.channel_starts import laminar_channel

LENGTHS = (2 * math.pi, math.pi)
AMPLITUDE = 0.1


def solver_of(case: Case) -> ChannelFlow:
    forcing = ConstantPressureGradient(2 * case.viscosity)  # keeps the laminar flow of centre velocity 1
    return ChannelFlow(ChannelGrid(case.num_points, LENGTHS), case.viscosity, forcing, case.dt)


def start_of(case: Case) -> np.ndarray:
    """Three waves without slip or divergence on the laminar flow, along x, along z and oblique.

    Smooth also at the walls: where differences and polynomials do not agree on the divergence of a start, the solvers
    go different ways from the first step on.
    """
    grid = solver_of(case).grid
    x, y, z = (axis.reshape(shape) for axis, shape in zip(grid.axes(), ((-1, 1, 1), (-1, 1), (-1,)), strict=True))
    velocity = np.array(laminar_channel(grid, 2 / 3))
    profile, slope = (1 - y**2) ** 3, -6 * y * (1 - y**2) ** 2
    for kx, kz in ((1, 0), (0, 2), (1, 2)):
        phase, square = kx * x + kz * z, kx**2 + kz**2
        along = -slope * np.sin(phase) / square
        velocity += AMPLITUDE * np.stack([kx * along, profile * np.cos(phase), kz * along])
    return velocity


def ours_channel(case: Case) -> Contender:
    scheme = "Chebyshev; Runge-Kutta 3, Crank-Nicolson"
    return compiled_rollout(solver_of(case), start_of(case), case, scheme, evaluations=3)


def dnsjax_channel(case: Case) -> Contender:
    """Written for a plane Couette flow; the laminar flow that it disturbs is exchanged."""
    laminar = np.asarray(laminar_channel(solver_of(case).grid, 2 / 3))
    fluctuation = start_of(case) - laminar
    flow, parameters = _dnsjax(case)
    count = {"steps": 0, "evaluations": 0}

    def run(state: jax.Array) -> jax.Array:
        """Its main loop: correct until the tolerance is met."""
        for _ in range(case.num_steps):
            before = state
            state, rhs, error = flow.predict_and_correct(before)
            corrections = 0
            while (
                error > parameters.step.corrector_tolerance and corrections < parameters.step.max_corrector_iterations
            ):
                state, rhs, error = flow.iterate_correction(before, state, rhs)
                corrections += 1
            state, _ = flow.correct_velocity(state)
            count["steps"] += 1
            count["evaluations"] += 2 + corrections
        return state

    return Contender(
        "finite differences 4; predictor-corrector 2",
        jax.device_put(to_modes(fluctuation), flow.sharding.spec_vector_shard),
        run,
        fields=lambda state: laminar + from_modes(np.asarray(state), case.num_points),
        evaluations=lambda: count["evaluations"] / count["steps"],
    )


def _dnsjax(case: Case) -> tuple:
    """Its flow and its parameters; settings come before the import of the flow."""
    from dnsjax import parameters

    nx, ny, nz = case.num_points
    settings = {
        "phys": {"system": "plane-couette", "re": 1 / case.viscosity},
        "geo": {"lx": LENGTHS[0], "lz": LENGTHS[1]},
        "res": {"nx": nx, "ny": ny, "nz": nz, "double_precision": case.dtype == "float64"},
        "step": {"dt": case.dt},
        "debug": {"time_functions": False},
    }
    parameters.update_parameters(parameters.Parameters(**settings))
    parameters.padded_res.set_padded_resolution(parameters.params)
    from dnsjax.flows import plane_couette

    flow, y = plane_couette.flow, np.asarray(plane_couette.flow.ys)
    profile, shear = 1 - y**2, -2 * y
    flow.base_flow = _along(flow.base_flow, 0, profile)
    flow.curl_base_flow = _along(flow.curl_base_flow, 2, -shear)
    flow.nonlin_base_flow = _along(flow.nonlin_base_flow, 1, profile * shear)
    return plane_couette, parameters.params


def _along(like: jax.Array, component: int, profile: np.ndarray) -> jax.Array:
    values = np.zeros(like.shape)
    values[component, :, 0, 0] = profile
    return jax.device_put(values, like.sharding)


def to_modes(velocity: np.ndarray) -> np.ndarray:
    """Amplitudes (component, kz, kx, y) below the Nyquist frequencies, of a velocity (component, x, y, z)."""
    _, nx, _, nz = velocity.shape
    modes = np.fft.rfft(np.moveaxis(velocity, (1, 2, 3), (2, 3, 1)), axis=2, norm="forward")[:, :, : nx // 2]
    return np.delete(np.fft.fft(modes, axis=1, norm="forward"), nz // 2, axis=1)


def from_modes(modes: np.ndarray, num_points: tuple[int, int, int]) -> np.ndarray:
    """The velocity of these amplitudes."""
    nx, _, nz = num_points
    velocity = np.fft.ifft(np.insert(modes, nz // 2, 0, axis=1), axis=1, norm="forward")
    return np.moveaxis(np.fft.irfft(velocity, n=nx, axis=2, norm="forward"), (1, 2, 3), (3, 1, 2))
