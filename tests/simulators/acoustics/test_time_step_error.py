"""A wave in bone with strong losses, far below the reference sound speed, against its own wavenumber."""

import math

import diffrax
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.acoustics.continuous_wave import Timing, steady_state
from fieldcast.simulators.acoustics.kspace_absorption import PowerLaw, nepers_per_radian
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.kspace_scheme import KSpaceScheme
from fieldcast.simulators.acoustics.kspace_sources import GridPoints, PressureSource
from fieldcast.simulators.acoustics.medium import Medium
from fieldcast.simulators.acoustics.time_step_error import compensate
from fieldcast.simulators.grid import Grid

FREQUENCY, SPACING, REFERENCE, STEPS = 500e3, 0.5e-3, 3400.0, 24
FIRST, SECOND = 40, 70


def wavenumber_error(power, attenuation, speed, *, compensated):
    """How far a wave's decay and phase from one point to another are off, relative to its amplitude."""
    grid = Grid((120,), SPACING)
    maps = [jnp.full(grid.shape, value) for value in (speed, 1700.0, attenuation)]
    timing = Timing(
        frequency=FREQUENCY, steps_per_period=STEPS, ramp_periods=3, settle_periods=40, most_periods=42, tolerance=0.0
    )
    if compensated:
        maps = compensate(
            *maps, power, frequency=FREQUENCY, time_step=timing.time_step, reference_sound_speed=REFERENCE
        )
    source = PressureSource(GridPoints([[20]], grid.shape), timing.signals(jnp.zeros(1)))
    scheme = KSpaceScheme(
        Medium(*maps, power, grid),
        timing.time_step,
        [source],
        absorption=PowerLaw(),
        layer=PerfectlyMatchedLayer(20),
        reference_sound_speed=REFERENCE,
    )
    pressure, _ = steady_state(scheme, timing, progress=diffrax.NoProgressMeter())
    pressure = np.asarray(pressure[scheme.interior])
    omega = 2.0 * math.pi * FREQUENCY
    wavenumber = omega / speed - 1j * nepers_per_radian(power) * attenuation * omega**power
    expected = np.exp(-1j * wavenumber * (SECOND - FIRST) * SPACING)
    return abs(pressure[SECOND] / pressure[FIRST] / expected - 1.0)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("power", "attenuation", "speed"),
    [(2.0, 32.0, 2300.0), (1.1, 16.0, 2300.0), (1.5, 0.0, 1500.0)],
    ids=["trabecular, Stokes", "trabecular, power law", "water"],
)
def test_wave_keeps_its_wavenumber(power, attenuation, speed):
    assert wavenumber_error(power, attenuation, speed, compensated=True) < 2e-3
    assert wavenumber_error(power, attenuation, speed, compensated=False) > 2e-2
