"""The answer of every acoustic solver: a steady-state pressure field."""

from functools import cached_property

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Complex, Float

from fieldcast.simulators.acoustics.focus import Focus, find_focus
from fieldcast.simulators.grid import Coordinates, Grid


class PressureField(eqx.Module):
    """Steady-state pressure on a grid.

    The pressure in time is `p(x, t) = Im(pressure(x) exp(2 pi i f t))`, so a source that vibrates as `sin(2 pi f t)`
    has phase zero. A solver that knows no phase gives the amplitude alone, as a real array.

    **Arguments:**

    - `pressure`: complex pressure, or amplitude [Pa].
    - `grid`: where it lives.
    - `frequency` [Hz].
    - `region`: the points among which the focus is looked for (the inside of the head); everywhere when `None`.
    - `error_estimate`: expected root-mean-square error of the amplitude at each point [Pa]; `None` from a solver whose
      error is not estimated.
    """

    pressure: Complex[Array, "*space"] | Float[Array, "*space"]
    grid: Grid
    frequency: float = eqx.field(static=True)
    region: Bool[Array, "*space"] | None = None
    error_estimate: Float[Array, "*space"] | None = None

    def __check_init__(self):
        if jnp.shape(self.pressure) != self.grid.shape:
            raise ValueError(
                f"A pressure field of shape {jnp.shape(self.pressure)} does not fit its grid of shape "
                f"{self.grid.shape}."
            )

    @property
    def has_phase(self) -> bool:
        return bool(jnp.iscomplexobj(self.pressure))

    @property
    def amplitude(self) -> Float[Array, "*space"]:
        """Pressure amplitude [Pa]."""
        return jnp.abs(self.pressure)

    @cached_property
    def focus(self) -> Focus:
        """Where the amplitude peaks within `region`, and how far its half-amplitude (-6 dB) neighbourhood reaches."""
        return find_focus(self.amplitude, self.grid, self.region)

    def amplitude_at(self, position: Coordinates) -> Float[Array, ""]:
        """Amplitude at a world `position` [m], linearly interpolated [Pa]; differentiable in field and position."""
        index = self.grid.to_index(position)
        return jax.scipy.ndimage.map_coordinates(self.amplitude, list(index), order=1, mode="nearest")

    def intensity(self, sound_speed: ArrayLike, density: ArrayLike) -> Float[Array, "*space"]:
        """Pulse-average intensity of a plane wave of the same amplitude, `p^2 / (2 rho c)` [W/m^2]."""
        return self.amplitude**2 / (2.0 * jnp.asarray(density) * jnp.asarray(sound_speed))

    def mechanical_index(self) -> float:
        """Peak amplitude within `region` [MPa] over the root of the frequency [MHz], without derating."""
        return self.focus.pressure * 1e-6 / (self.frequency * 1e-6) ** 0.5
