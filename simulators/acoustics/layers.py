"""Plane waves through a stack of fluid layers, exactly."""

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import ArrayLike, Complex

from fieldcast.simulators.acoustics.medium import WATER, Tissue


@dataclass(frozen=True)
class Layer:
    """A layer of one tissue; `thickness` [m]."""

    tissue: Tissue
    thickness: float


@dataclass(frozen=True)
class LayeredWave:
    """The steady state of a stack of layers that a plane wave of amplitude 1 hits.

    In each medium the pressure is `A exp(-i k x) + B exp(i k x)`, with x from the medium's front face.

    - `faces`: depths of the layers' faces, the front one at 0 [m].
    - `wavenumbers`: k, the component along the normal, of the half-space before, the layers, and the half-space behind
      [1/m]; the half-space before counts x from the front face too.
    - `forward`, `backward`: A and B of the same media.
    """

    faces: tuple[float, ...]
    wavenumbers: tuple[complex, ...]
    forward: tuple[complex, ...]
    backward: tuple[complex, ...]

    @property
    def reflection(self) -> complex:
        """Complex amplitude of the reflected wave at the front face."""
        return self.backward[0]

    @property
    def transmission(self) -> complex:
        """Complex amplitude of the transmitted wave at the back face."""
        return self.forward[-1]

    def pressure(self, depth: ArrayLike) -> Complex[np.ndarray, "..."]:
        """Complex pressure at `depth` [m] behind the front face; negative depths lie before the stack."""
        depth = np.asarray(depth, dtype=float)
        medium = np.searchsorted(np.asarray(self.faces), depth, side="right")
        distance = depth - np.asarray((0.0, *self.faces))[medium]
        wavenumber, forward, backward = (
            np.asarray(values)[medium] for values in (self.wavenumbers, self.forward, self.backward)
        )
        # Behind the stack nothing comes back; zero times a growing wave must stay zero.
        back = np.where(backward == 0, 0.0, 1j * wavenumber * distance)
        return np.asarray(forward * np.exp(-1j * wavenumber * distance) + backward * np.exp(back))


def plane_wave(
    layers: Sequence[Layer], *, frequency: float, before: Tissue = WATER, behind: Tissue = WATER, along: complex = 0.0
) -> LayeredWave:
    """A plane wave that comes from the half-space `before` and leaves into the one `behind` a stack of layers.

    With the complex wavenumber `k = omega / c - i alpha` and the convention `p(x, t) = Im(P exp(2 pi i f t))`:

        k_n = sqrt(k^2 - k_along^2),   Z = rho omega / k_n

        [p]         [ cos(k_n d)          i Z sin(k_n d) ] [p]
        [u] front = [ i sin(k_n d) / Z    cos(k_n d)     ] [u] back

        p = 1 + R,  u = (1 - R) / Z  at the front face,   p = T,  u = T / Z  at the back face

    Without losses `|R|^2 + |T|^2 Z_before / Z_behind = 1`, when both impedances are real.

    **Arguments:**

    - `layers`: in the order in which the wave meets them; none for a single interface.
    - `frequency` [Hz].
    - `before`, `behind`: the half-spaces.
    - `along`: component of the wavenumber along the layers, which all media share [1/m]: 0 at normal incidence,
      `k_before sin(angle)` at an angle; beyond k_before the incident wave is evanescent.

    **Raises:** `ValueError` for negative thicknesses.

    Source: Brekhovskikh and Godin, Acoustics of Layered Media I, 1990, section 2.5, doi:10.1007/978-3-642-52369-4.
    """
    if any(not layer.thickness >= 0 for layer in layers):
        raise ValueError(f"Layers need a thickness of at least 0 m, got {[layer.thickness for layer in layers]}.")
    media = [before, *(layer.tissue for layer in layers), behind]
    normal = [_decaying_root(wavenumber(tissue, frequency) ** 2 - along**2) for tissue in media]
    impedances = [2.0 * math.pi * frequency * tissue.density / k for tissue, k in zip(media, normal, strict=True)]

    states = [(1.0 + 0.0j, 1.0 / impedances[-1])]  # as if T were 1, from the back to the front
    for layer, k, impedance in zip(reversed(layers), normal[-2:0:-1], impedances[-2:0:-1], strict=True):
        pressure, velocity = states[-1]
        cos, sin = cmath.cos(k * layer.thickness), cmath.sin(k * layer.thickness)
        states.append(
            (cos * pressure + 1j * impedance * sin * velocity, 1j * sin / impedance * pressure + cos * velocity)
        )
    states = [states[-1], *reversed(states)]  # of each medium at its front face, the half-space before's being its back
    forward = [0.5 * (p + z * u) for (p, u), z in zip(states, impedances, strict=True)]
    backward = [0.5 * (p - z * u) for (p, u), z in zip(states, impedances, strict=True)]
    backward[-1] = 0.0j
    return LayeredWave(
        faces=tuple(float(x) for x in np.cumsum([0.0, *(layer.thickness for layer in layers)])),
        wavenumbers=tuple(normal),
        forward=tuple(amplitude / forward[0] for amplitude in forward),
        backward=tuple(amplitude / forward[0] for amplitude in backward),
    )


def wavenumber(tissue: Tissue, frequency: float) -> complex:
    """Complex wavenumber `2 pi f / c - i alpha` [1/m] at `frequency` [Hz], with alpha in [Np/m]."""
    decibel_per_metre = 100.0 * tissue.attenuation * (frequency / 1e6) ** tissue.attenuation_power
    return 2.0 * math.pi * frequency / tissue.sound_speed - 1j * decibel_per_metre * math.log(10.0) / 20.0


def _decaying_root(square: complex) -> complex:
    """The root whose wave `exp(-i k x)` travels or decays forwards."""
    root = cmath.sqrt(square)
    return -root if root.imag > 0 else root
