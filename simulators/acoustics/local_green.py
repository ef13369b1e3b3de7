"""An approximate inverse of the Helmholtz operator: at each point the Green's function of the medium around it."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from fieldcast.simulators.acoustics.helmholtz import Field, FirstOrderOperator, Map
from fieldcast.simulators.acoustics.helmholtz_second_order import SecondOrderOperator
from fieldcast.simulators.spectral import scaled

SMOOTHING = 2.0
"""Standard deviation of the average over the surroundings of a point, in 1/k of the slowest medium."""

LAYER = 1.0 - 8.0j
"""Square of the wavenumber used in the boundary layer, relative to that of the slowest medium."""

_TABLE = 64
_SYMBOL_SAMPLES = 512


class LocalGreen(eqx.Module):
    """`correction = green(F[sqrt(rho) residual])`: what a residual causes, nearly.

        M r = sqrt(rho) sum_j a_j(x) F^-1[ F[sqrt(rho) r] / (k_j^2 (1 - i damping) - |k|^2) ]

    Each Green's function belongs to a homogeneous medium with one of a few reference wavenumbers k_j. The weights a_j
    combine them at each point so that they come closest to the Green's function of the medium there. The damping
    limits their reach to where the medium is still much the same: without it, or with one medium for all, waves would
    be sent through bone as if it were water, and many more iterations would have to undo that. In the boundary layer
    waves are damped within a fraction of a wavelength, so that nothing comes back at the other side of the periodic
    grid.

    The iteration `p <- p + M (b - A p)` is a Born series; with a single reference medium it is that of Osnabrugge et
    al., J. Comput. Phys. 322, 2016, doi:10.1016/j.jcp.2016.06.034.
    """

    amplitude: Map
    weights: tuple[Field, ...]
    squares: Complex[Array, " reference"]
    laplacian: Float[Array, "*spectrum"]

    def __init__(self, operator: FirstOrderOperator | SecondOrderOperator, num_references: int, damping: float):
        """**Arguments:**

        - `operator`: what to invert.
        - `num_references`: number of reference media; each costs a Fourier transform.
        - `damping`: imaginary part of the reference media's squared wavenumber, relative to it.
        """
        slowest = jnp.max(operator.wavenumber)
        surroundings = _smoothed(operator, SMOOTHING / slowest)
        references, table = _references(surroundings, num_references, damping)
        inside = 1.0 - operator.depth
        complex_dtype = table.dtype
        self.amplitude = jnp.sqrt(operator.density)
        self.weights = (
            *(scaled(_looked_up(surroundings, row), inside) for row in table),
            operator.depth.astype(complex_dtype),
        )
        damped = (references**2).astype(complex_dtype) * (1.0 - 1j * damping)
        self.squares = jnp.append(damped, (slowest**2).astype(complex_dtype) * LAYER)
        self.laplacian = operator.laplacian

    def __call__(self, spectrum: Complex[Array, "*spectrum"]) -> Field:
        symbol = self.laplacian.astype(spectrum.dtype)
        total = sum(
            weight * jnp.fft.ifftn(spectrum / (square - symbol))
            for weight, square in zip(self.weights, self.squares, strict=True)
        )
        return scaled(total, self.amplitude)


def _smoothed(operator: FirstOrderOperator | SecondOrderOperator, width: Float[Array, ""]) -> Map:
    """The wavenumber, averaged over the surroundings of each point: thin layers are seen as a mixture."""
    window = jnp.exp(-0.5 * width**2 * operator.laplacian)
    spectrum = jnp.fft.fftn(operator.wavenumber.astype(np.result_type(width.dtype, np.complex64)))
    lowest, highest = jnp.min(operator.wavenumber), jnp.max(operator.wavenumber)
    return jnp.clip(jnp.real(jnp.fft.ifftn(scaled(spectrum, window))), lowest, highest)


def _references(
    wavenumber: Map, num_references: int, damping: float
) -> tuple[Float[Array, " reference"], Complex[Array, "reference bin"]]:
    """Reference wavenumbers, and their best weights for a table of wavenumbers from the smallest to the largest.

    The references are chosen one after the other: the wavenumber whose Green's function, weighted by the root of the
    volume in which it is wanted, is worst described by those that are already there.
    """
    ndim, dtype = wavenumber.ndim, wavenumber.dtype
    lowest, highest = jnp.min(wavenumber), jnp.max(wavenumber)
    table = lowest + (highest - lowest) * jnp.linspace(0.0, 1.0, _TABLE, dtype=dtype)
    place = (wavenumber - lowest) / jnp.where(highest > lowest, highest - lowest, 1.0) * (_TABLE - 1)
    volume = jnp.zeros(_TABLE, dtype).at[jnp.rint(place).astype(int).reshape(-1)].add(1.0)
    symbol = jnp.asarray(np.linspace(0.0, math.pi * math.sqrt(ndim), _SYMBOL_SAMPLES), dtype)
    measure = symbol ** (0.5 * (ndim - 1))
    squares = scaled(jnp.asarray(1.0 - 1j * damping, np.result_type(dtype, np.complex64)), table**2)
    greens = scaled(1.0 / (squares[None] - (symbol**2).astype(squares.dtype)[:, None]), measure[:, None])
    rest = scaled(greens, jnp.sqrt(volume)[None])
    chosen = []
    for _ in range(num_references):
        size = jnp.sqrt(jnp.sum(jnp.abs(rest) ** 2, axis=0))
        worst = jnp.argmax(size)
        direction = rest[:, worst] / jnp.where(size[worst] > 0, size[worst], 1.0).astype(rest.dtype)
        rest = rest - direction[:, None] * (jnp.conj(direction) @ rest)[None]
        chosen.append(worst)
    chosen = jnp.stack(chosen)
    weights = jnp.linalg.lstsq(greens[:, chosen], greens, rcond=1e-3)[0]
    return table[chosen], weights


def _looked_up(wavenumber: Map, row: Complex[Array, " bin"]) -> Field:
    """A function of the wavenumber, tabulated from its smallest to its largest value, at each point."""
    lowest, highest = jnp.min(wavenumber), jnp.max(wavenumber)
    place = (wavenumber - lowest) / jnp.where(highest > lowest, highest - lowest, 1.0) * (_TABLE - 1)
    low = jnp.clip(jnp.floor(place).astype(int), 0, _TABLE - 2)
    share = place - low.astype(place.dtype)
    return scaled(row[low], 1.0 - share) + scaled(row[low + 1], share)
