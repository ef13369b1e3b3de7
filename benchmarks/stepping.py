"""Blocks of time steps of the k-space scheme in three libraries, on one medium."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from fieldcast.simulators.acoustics.kspace_absorption import Lossless, PowerLaw
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.kspace_scheme import KSpaceScheme
from fieldcast.simulators.acoustics.kspace_sources import GridPoints, PressureSource
from fieldcast.simulators.acoustics.kwave_import import import_kwave
from fieldcast.simulators.acoustics.medium import Medium
from fieldcast.simulators.grid import Grid

SPACING, TIME_STEP, POWER, LAYER = 1e-3, 4e-8, 1.5, 10

Maps = dict[str, np.ndarray]
Block = Callable[[], object]


def shell_maps(shape: tuple[int, ...]) -> Maps:
    """A bone shell in water with some texture, a plane of source points and an initial pressure."""
    random = np.random.default_rng(0)
    index = np.ogrid[tuple(slice(n) for n in shape)]
    offset = [x - n / 2 for x, n in zip(index, shape, strict=True)]
    shell = np.abs(np.sqrt(sum(x**2 for x in offset)) - shape[0] / 4) < shape[0] / 20
    texture = 1.0 + 0.01 * random.standard_normal(shape)
    source = np.zeros(shape, bool)
    source[shape[0] // 6, shape[1] // 4 : 3 * shape[1] // 4] = True
    return {
        "sound_speed": np.where(shell, 2800.0, 1500.0) * texture,
        "density": np.where(shell, 1850.0, 1000.0) * texture,
        "attenuation": np.where(shell, 8.0, 0.5),
        "source": source,
        "initial_pressure": np.exp(-sum(x**2 for x in offset) / 20.0),
    }


def signal(num_steps: int) -> np.ndarray:
    return 1e5 * np.sin(0.3 * np.arange(num_steps))


def kspace_block(values: Maps, dtype: type, absorbing: bool, num_steps: int, rounds: int) -> Block:
    """A function that runs a block of steps of `KSpaceScheme`, compiled."""
    grid = Grid(values["density"].shape, SPACING)
    medium = Medium(*(jnp.asarray(values[n], dtype) for n in ("sound_speed", "density", "attenuation")), POWER, grid)
    sources = [PressureSource(GridPoints.where(values["source"]), signal(rounds * num_steps))] if absorbing else []
    scheme = KSpaceScheme(
        medium,
        TIME_STEP,
        sources,
        absorption=PowerLaw(dispersion=True) if absorbing else Lossless(),
        layer=PerfectlyMatchedLayer(LAYER, outside=False),
    )
    start = scheme.rest() if absorbing else scheme.released(jnp.asarray(values["initial_pressure"], dtype))
    run = jax.jit(
        lambda scheme, state: jax.lax.scan(lambda s, _: (scheme(s), None), state, None, length=num_steps)[0].pressure
    )
    jax.block_until_ready(run(scheme, start))
    return lambda: jax.block_until_ready(run(scheme, start))


def kwave_block(values: Maps, dtype: type, absorbing: bool, num_steps: int, rounds: int) -> Block:
    """The same of k-Wave's Python backend, unchanged; on a GPU through CuPy."""
    import_kwave()
    from kwave.kgrid import kWaveGrid
    from kwave.kmedium import kWaveMedium
    from kwave.ksensor import kSensor
    from kwave.ksource import kSource
    from kwave.solvers import Simulation

    shape = values["density"].shape
    grid = kWaveGrid(list(shape), [SPACING] * len(shape))
    total = (rounds + 1) * num_steps
    grid.setTime(total, TIME_STEP)
    losses = {"alpha_coeff": values["attenuation"], "alpha_power": POWER} if absorbing else {}
    medium = kWaveMedium(sound_speed=values["sound_speed"], density=values["density"], **losses)
    source, sensor = kSource(), kSensor(mask=np.ones(shape))
    if absorbing:
        source.p_mask, source.p = values["source"], signal(total)[None]
    else:
        source.p0 = values["initial_pressure"]
    sensor.record = ["p_final"]
    layer = {"pml_size": (LAYER,) * len(shape), "pml_alpha": (2.0,) * len(shape)}
    device = "gpu" if jax.default_backend() == "gpu" else "cpu"
    simulation = Simulation(
        grid, medium, source, sensor, **layer, device=device, dtype=dtype, quiet=True, smooth_p0=False
    )
    simulation.setup()
    simulation.step()

    def run() -> None:
        for _ in range(num_steps):
            simulation.step()
        if device == "gpu":
            import cupy

            cupy.cuda.Device().synchronize()

    return run


def jwave_block(values: Maps, num_steps: int) -> Block | None:
    """The same of j-Wave, lossless, in single precision; `None` where it is not installed."""
    try:
        from jwave import FourierSeries
        from jwave.acoustics import TimeWavePropagationSettings, simulate_wave_propagation
        from jwave.geometry import Domain, TimeAxis
        from jwave.geometry import Medium as JWaveMedium
    except ImportError:
        return None
    shape = values["density"].shape
    domain = Domain(shape, (SPACING,) * len(shape))
    time_axis = TimeAxis(TIME_STEP, num_steps * TIME_STEP)
    settings = TimeWavePropagationSettings(smooth_initial=False, checkpoint=False)
    middle = tuple(n // 2 for n in shape)

    @jax.jit
    def simulate(medium, initial):
        return simulate_wave_propagation(
            medium, time_axis, settings=settings, p0=initial, sensors=lambda p, u, rho: p.on_grid[middle]
        )

    def run() -> None:
        with jax.enable_x64(False):  # with double precision enabled j-Wave mixes both, and refuses its own result
            jax.block_until_ready(simulate(medium, initial))

    with jax.enable_x64(False):
        speed, density, initial = (
            FourierSeries(jnp.asarray(values[name], jnp.float32)[..., None], domain)
            for name in ("sound_speed", "density", "initial_pressure")
        )
        medium = JWaveMedium(domain, sound_speed=speed, density=density, pml_size=LAYER)
    run()
    return run
