"""The Rayleigh integral of a focused bowl, or arc, summed as waves about its geometric focus.

The bowl is a cap of a sphere around its geometric focus, so its field

    P(x) = i k p0 / (2 pi)  ∫ exp(-i k |x - y|) / |x - y| dS(y)

is a series of spherical waves about the focus. With a the radius of curvature, alpha the half angle, r and theta the
distance from the focus and the angle from the direction towards the apex, `r< = min(r, a)` and `r> = max(r, a)`,

    P = p0 (k a)^2 sum_n [P_{n-1}(cos alpha) - P_{n+1}(cos alpha)] j_n(k r<) h_n(k r>) P_n(cos theta)

with `h_n` the outgoing spherical Hankel function (of the second kind, for time factors `exp(+i omega t)`). In two
dimensions the arc radiates with the cylindrical Green's function, and by Graf's addition theorem

    P = k p0 / 2  ∫ H_0(k |x - y|) dl(y) = p0 k a / 2 sum_m e_m [2 sin(m alpha) / m] J_m(k r<) H_m(k r>) cos(m theta)

with `e_0 = 1`, `e_m = 2`, and `2 alpha` in the bracket for m = 0. Both converge everywhere, behind the bowl too. The
layer radiates to both sides; k-Wave's additive pressure source is the same layer.

Source: the addition theorems, Abramowitz and Stegun, Handbook of Mathematical Functions, 10.1.45, 10.1.46 and 9.1.79.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

FADE = (1.5, 2.5)
"""Orders, relative to `k a`, between which the series is faded out.

Orders above `k a` do not travel; they shape the field within a fraction of a wavelength of the surface, which has
kinks at the rim that no grid holds either.
"""

LARGEST_HANKEL = 1e280
"""Beyond their argument, Hankel functions of growing order overflow; no order larger than this is summed."""


@dataclass(frozen=True)
class FocusedWaves:
    """The series of one bowl (3-D) or arc (2-D) of surface pressure 1 Pa.

    **Arguments:**

    - `ndim`; `radius_of_curvature` [m]; `half_angle` [rad]; `wavenumber` [1/m].
    """

    ndim: int
    radius_of_curvature: float
    half_angle: float
    wavenumber: float

    def tabulate(self, radius: np.ndarray, angle: np.ndarray, *, outside: bool) -> np.ndarray:
        """The field and its derivatives at every pair of `radius` [m] and `angle` [rad].

        `outside` tells whether the radii are at least, or at most, the radius of curvature; at it both hold, but the
        derivative by the radius is another on either side.

        **Returns:** complex array of shape `(4, radius, angle)`: P [Pa], dP/dr [Pa/m], dP/dtheta, d2P/dr dtheta.
        """
        order, weight = self._orders()
        radial = self._radial(order, radius, outside) * weight
        angular = self._angular(order, angle)
        return np.stack([radial[i] @ angular[j].T for j in (0, 1) for i in (0, 1)])

    @property
    def _size(self) -> float:
        return self.wavenumber * self.radius_of_curvature

    def _orders(self) -> tuple[np.ndarray, np.ndarray]:
        """The orders to be summed and the constant factor of each."""
        start, stop = (factor * self._size + 10.0 for factor in FADE)
        order = np.arange(math.ceil(stop))
        with np.errstate(all="ignore"):
            order = order[np.abs(self._outgoing(order, np.asarray(self._size))[0]) < LARGEST_HANKEL]
        fade = 0.5 + 0.5 * np.cos(np.pi * np.clip((order - start) / (stop - start), 0.0, 1.0))
        return order, fade * (self._cap(order) if self.ndim == 3 else self._arc(order))

    def _cap(self, order: np.ndarray) -> np.ndarray:
        cosine = math.cos(self.half_angle)
        below = np.where(order == 0, 1.0, special.eval_legendre(np.maximum(order - 1, 0), cosine))
        return self._size**2 * (below - special.eval_legendre(order + 1, cosine))

    def _arc(self, order: np.ndarray) -> np.ndarray:
        safe = np.maximum(order, 1)
        length = np.where(order == 0, 2.0 * self.half_angle, 2.0 * np.sin(safe * self.half_angle) / safe)
        return 0.5 * self._size * np.where(order == 0, 1.0, 2.0) * length

    def _radial(self, order: np.ndarray, radius: np.ndarray, outside: bool) -> np.ndarray:
        """`j(k r<) h(k r>)` and its derivative by r, shape `(2, radius, order)`."""
        argument = self.wavenumber * radius[:, None]
        scale = np.asarray([1.0, self.wavenumber])[:, None, None]
        surface = np.asarray([[self._size]])
        if outside:
            return scale * self._outgoing(order, argument) * self._regular(order, surface)[0]
        return scale * self._regular(order, argument) * self._outgoing(order, surface)[0]

    def _regular(self, order: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Bessel functions and their derivatives."""
        if self.ndim == 2:
            return np.stack([special.jv(order, x), special.jvp(order, x)])
        slope = special.spherical_jn(order, x, derivative=True)
        return np.stack([special.spherical_jn(order, x), np.where(x == 0, np.where(order == 1, 1 / 3, 0.0), slope)])

    def _outgoing(self, order: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Hankel functions of the second kind and their derivatives."""
        if self.ndim == 2:
            return np.stack([special.hankel2(order, x), special.h2vp(order, x)])
        return np.stack(
            [
                special.spherical_jn(order, x, derivative=d) - 1j * special.spherical_yn(order, x, derivative=d)
                for d in (False, True)
            ]
        )

    def _angular(self, order: np.ndarray, angle: np.ndarray) -> np.ndarray:
        """Angular functions and their derivatives by the angle, shape `(2, angle, order)`."""
        angle = angle[:, None]
        if self.ndim == 2:
            return np.stack([np.cos(order * angle), -order * np.sin(order * angle)])
        cosine, sine = np.cos(angle), np.sin(angle)
        value = special.eval_legendre(order, cosine)
        below = special.eval_legendre(np.maximum(order - 1, 0), cosine)
        on_axis = np.abs(sine) < 1e-12
        slope = np.where(on_axis, 0.0, order * (cosine * value - below) / np.where(on_axis, 1.0, sine))
        return np.stack([value, slope])
