"""Acoustic maps, and the single tissues they are made of."""

import math
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.grid import Grid


@dataclass(frozen=True)
class Tissue:
    """A homogeneous tissue.

    **Arguments:**

    - `sound_speed` [m/s], `density` [kg/m^3].
    - `attenuation` [dB/(MHz^y cm)] with its own power `attenuation_power` (y).
    """

    sound_speed: float
    density: float
    attenuation: float = 0.0
    attenuation_power: float = 1.0

    def attenuation_for(self, power: float, frequency: float) -> float:
        """The coefficient [dB/(MHz^power cm)] that gives the same loss at `frequency` [Hz] under another power."""
        return self.attenuation * (frequency / 1e6) ** (self.attenuation_power - power)


WATER = Tissue(sound_speed=1500.0, density=1000.0)
BRAIN = Tissue(sound_speed=1546.0, density=1046.0, attenuation=0.59, attenuation_power=1.2)
"""Brain as in PRESTUS' defaults."""


class Medium(eqx.Module):
    """Acoustic maps on a grid.

    **Arguments:**

    - `sound_speed` [m/s], `density` [kg/m^3], `attenuation` [dB/(MHz^y cm)]: arrays of the grid's shape.
    - `attenuation_power`: the one power y of the whole medium. A medium that mixes powers must be converted at the
      working frequency first (`Tissue.attenuation_for`).
    - `grid`: where the maps live.
    - `nonlinearity`: the parameter B/A of the equation of state, of the grid's shape; `None` for linear acoustics.
    """

    sound_speed: Float[Array, "*space"]
    density: Float[Array, "*space"]
    attenuation: Float[Array, "*space"]
    attenuation_power: float = eqx.field(static=True)
    grid: Grid
    nonlinearity: Float[Array, "*space"] | None = None

    def __check_init__(self):
        names = ("sound_speed", "density", "attenuation", "nonlinearity")
        for name in names if self.nonlinearity is not None else names[:3]:
            shape = jnp.shape(getattr(self, name))
            if shape != self.grid.shape:
                raise ValueError(f"medium.{name} has shape {shape}, but its grid has shape {self.grid.shape}.")
        if not 0.0 < self.attenuation_power <= 2.0:
            raise ValueError(f"The attenuation power must lie in (0, 2], got {self.attenuation_power}.")

    def nepers_per_metre(self, frequency: float) -> Float[Array, "*space"]:
        """Amplitude attenuation at `frequency` [Hz], in [Np/m]."""
        decibel_per_metre = 100.0 * self.attenuation * (frequency / 1e6) ** self.attenuation_power
        return decibel_per_metre * (math.log(10.0) / 20.0)


def homogeneous(grid: Grid, tissue: Tissue = WATER) -> Medium:
    """One tissue everywhere on `grid`."""
    return Medium(
        sound_speed=jnp.full(grid.shape, tissue.sound_speed, dtype=float),
        density=jnp.full(grid.shape, tissue.density, dtype=float),
        attenuation=jnp.full(grid.shape, tissue.attenuation, dtype=float),
        attenuation_power=tissue.attenuation_power,
        grid=grid,
    )
