"""The problems on which the k-space scheme has to equal k-Wave to round-off: a named case for every feature and many
combinations."""

from dataclasses import dataclass
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from kwave_reference import pressure_series
from scenes import relative_l2

from fieldcast.simulators.acoustics.kspace_absorption import Lossless, PowerLaw
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.kspace_run import simulate
from fieldcast.simulators.acoustics.kspace_scheme import KSpaceScheme
from fieldcast.simulators.acoustics.kspace_sources import (
    Additive,
    Dirichlet,
    GridPoints,
    PressureSource,
    VelocitySource,
)
from fieldcast.simulators.acoustics.medium import Medium
from fieldcast.simulators.grid import Grid

SPACING, TIME_STEP, NUM_STEPS = 1e-3, 8e-8, 60
TOLERANCE = {np.float64: 1e-10, np.float32: 1e-5}

MODES = {
    "additive": Additive(),
    "additive-no-correction": Additive(corrected=False),
    "dirichlet": Dirichlet(),
}


@dataclass(frozen=True)
class Case:
    """One problem. `pressure` and `velocity` are k-Wave source modes; with `own_signals` each point has its own."""

    shape: tuple[int, ...] = (40, 36)
    heterogeneous: bool = True
    power: float | None = None
    dispersion: bool = True
    nonlinear: bool = False
    pressure: str | None = None
    velocity: str | None = None
    velocity_axes: tuple[int, ...] = (0,)
    released: bool = False
    own_signals: bool = True
    signal_steps: int = NUM_STEPS
    layer: int | tuple[int, ...] = 5
    inside: bool = True


EVEN_3D, ODD_3D = (18, 16, 14), (17, 15, 13)

CASES = {
    "2-D even, y = 1.5": Case(power=1.5, pressure="additive"),
    "2-D odd, y = 1.5": Case(shape=(39, 35), power=1.5, pressure="additive"),
    "2-D even and odd, y = 1.1": Case(shape=(40, 35), power=1.1, pressure="additive"),
    "2-D, y = 1.1, no dispersion": Case(power=1.1, dispersion=False, pressure="additive"),
    "2-D, y = 1.5, no dispersion": Case(power=1.5, dispersion=False, pressure="additive"),
    "2-D, y = 0.9, no dispersion": Case(power=0.9, dispersion=False, pressure="additive"),
    "2-D, y = 2": Case(power=2.0, pressure="additive"),
    "2-D lossless": Case(pressure="additive"),
    "2-D homogeneous": Case(heterogeneous=False, power=1.5, pressure="additive"),
    "2-D one signal for all points": Case(power=1.5, pressure="additive", own_signals=False),
    "2-D no correction": Case(power=1.5, pressure="additive-no-correction"),
    "2-D no correction, one signal": Case(pressure="additive-no-correction", own_signals=False),
    "2-D Dirichlet": Case(power=1.5, pressure="dirichlet"),
    "2-D Dirichlet, one short signal": Case(pressure="dirichlet", own_signals=False, signal_steps=30),
    "2-D short signals": Case(pressure="additive", signal_steps=30),
    "2-D velocity": Case(power=1.5, velocity="additive"),
    "2-D velocity, both components": Case(velocity="additive", velocity_axes=(0, 1)),
    "2-D velocity, no correction": Case(velocity="additive-no-correction", velocity_axes=(1,)),
    "2-D velocity, Dirichlet": Case(power=2.0, velocity="dirichlet", velocity_axes=(0, 1)),
    "2-D pressure and velocity": Case(power=1.1, pressure="additive", velocity="additive", own_signals=False),
    "2-D initial pressure": Case(released=True),
    "2-D initial pressure, absorbing": Case(power=1.5, released=True, inside=False),
    "2-D initial pressure, B/A": Case(power=1.5, released=True, nonlinear=True),
    "2-D B/A": Case(nonlinear=True, pressure="additive"),
    "2-D layer outside": Case(power=1.5, pressure="additive", inside=False),
    "2-D layer outside, odd, own size per axis": Case(shape=(33, 29), pressure="additive", layer=(7, 5), inside=False),
    "2-D no layer": Case(power=1.5, pressure="additive", layer=0),
    "1-D": Case(shape=(96,), pressure="additive", layer=10),
    "1-D odd, absorbing": Case(shape=(95,), power=1.5, pressure="additive", layer=10, inside=False),
    "1-D initial pressure, B/A": Case(shape=(96,), released=True, nonlinear=True, layer=10),
    "3-D even, y = 1.1": Case(shape=EVEN_3D, power=1.1, pressure="additive"),
    "3-D odd, y = 1.5, no dispersion": Case(shape=ODD_3D, power=1.5, dispersion=False, pressure="additive"),
    "3-D one signal, layer outside": Case(
        shape=EVEN_3D, power=2.0, pressure="additive", own_signals=False, layer=3, inside=False
    ),
    "3-D velocity, three components": Case(shape=EVEN_3D, velocity="additive", velocity_axes=(0, 1, 2)),
    "3-D initial pressure, absorbing, B/A": Case(shape=ODD_3D, power=1.5, released=True, nonlinear=True),
}


def maps(case: Case) -> dict[str, np.ndarray]:
    """Water with a slab of bone and some texture; smooth enough to stay far from the stability limit."""
    random = np.random.default_rng(0)
    bone = np.zeros(case.shape, dtype=bool)
    middle = case.shape[0] // 2
    bone[middle : middle + case.shape[0] // 8] = case.heterogeneous
    texture = random.random(case.shape) if case.heterogeneous else np.zeros(case.shape)
    return {
        "sound_speed": np.where(bone, 2600.0, 1500.0) + 60.0 * texture,
        "density": np.where(bone, 1800.0, 1000.0) + 50.0 * texture,
        "attenuation": np.where(bone, 6.0, 0.5) * (1.0 + texture),
        "nonlinearity": 5.0 + 2.0 * texture,
    }


def source_points(case: Case) -> np.ndarray:
    """A line (in 3-D: a patch) of points, one plane of the grid."""
    mask = np.zeros(case.shape, dtype=bool)
    across = tuple(slice(n // 3, 2 * n // 3) for n in case.shape[1:])
    mask[(case.shape[0] // 4, *across)] = True
    return mask


def signals(case: Case, axis: int, amplitude: float) -> np.ndarray:
    """Tones of different amplitude and phase, one for each source point or one for all."""
    random = np.random.default_rng(axis + 1)
    rows = int(source_points(case).sum()) if case.own_signals else 1
    phase, gain = 2 * np.pi * random.random((rows, 1)), amplitude * (0.5 + random.random((rows, 1)))
    return gain * np.sin(0.35 * np.arange(case.signal_steps)[None] + phase)


def initial_pressure(case: Case) -> np.ndarray:
    distance = sum(
        ((np.arange(n) - 0.4 * n) / 3.0).reshape((-1,) + (1,) * (len(case.shape) - 1 - axis)) ** 2
        for axis, n in enumerate(case.shape)
    )
    return 5e6 * np.exp(-distance)


AMPLITUDE = {"pressure": 5e6, "velocity": 2.0}  # strong enough that B/A matters


@lru_cache(maxsize=2)
def kwave_answer(case: Case) -> np.ndarray:
    values = maps(case)
    medium = {"sound_speed": values["sound_speed"], "density": values["density"]}
    if case.power is not None:
        medium |= {"alpha_coeff": values["attenuation"], "alpha_power": case.power}
        medium |= {} if case.dispersion else {"alpha_mode": "no_dispersion"}
    if case.nonlinear:
        medium["BonA"] = values["nonlinearity"]
    source = {}
    if case.pressure is not None:
        source |= {"p_mask": source_points(case), "p": signals(case, 0, AMPLITUDE["pressure"]), "p_mode": case.pressure}
    if case.velocity is not None:
        source |= {"u_mask": source_points(case), "u_mode": case.velocity}
        source |= {"u" + "xyz"[axis]: signals(case, axis, AMPLITUDE["velocity"]) for axis in case.velocity_axes}
    if case.released:
        source["p0"] = initial_pressure(case)
    return pressure_series(
        spacing=SPACING,
        time_step=TIME_STEP,
        num_steps=NUM_STEPS,
        medium=medium,
        source=source,
        layer=case.layer,
        inside=case.inside,
    )


# Small problems, many programs: compile fast rather than fast code.
@partial(jax.jit, static_argnums=0, compiler_options={"xla_backend_optimization_level": 0})
def our_answer(case: Case, medium: Medium, sources: tuple, pressure: jax.Array) -> jax.Array:
    scheme = KSpaceScheme(
        medium,
        TIME_STEP,
        sources,
        absorption=Lossless() if case.power is None else PowerLaw(dispersion=case.dispersion),
        layer=PerfectlyMatchedLayer(case.layer, outside=not case.inside),
    )
    if not case.released:
        return simulate(scheme, scheme.rest(), NUM_STEPS)[1]
    _, series = simulate(scheme, scheme.released(pressure), NUM_STEPS - 1)
    return jnp.concatenate([pressure[None], series])


def our_problem(case: Case, dtype: type) -> tuple[Medium, tuple, jax.Array]:
    values = {name: jnp.asarray(value, dtype) for name, value in maps(case).items()}
    medium = Medium(
        values["sound_speed"],
        values["density"],
        values["attenuation"],
        1.0 if case.power is None else case.power,
        Grid(case.shape, SPACING),
        values["nonlinearity"] if case.nonlinear else None,
    )
    points = GridPoints.where(source_points(case))
    sources = []
    if case.pressure is not None:
        sources.append(PressureSource(points, signals(case, 0, AMPLITUDE["pressure"]), MODES[case.pressure]))
    if case.velocity is not None:
        sources += [
            VelocitySource(points, signals(case, axis, AMPLITUDE["velocity"]), axis, MODES[case.velocity])
            for axis in case.velocity_axes
        ]
    return medium, tuple(sources), jnp.asarray(initial_pressure(case), dtype)


def parity_error(case: Case, dtype: type) -> float:
    """Relative L2 difference of the pressure at all points and times; needs JAX's double precision."""
    answer = our_answer(case, *our_problem(case, dtype))
    if answer.dtype != dtype:
        raise TypeError(f"Asked for {np.dtype(dtype)}, got an answer in {answer.dtype}.")
    return relative_l2(answer, kwave_answer(case))
