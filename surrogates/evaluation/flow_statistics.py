"""What a long run of a flow is judged by, whichever flow it is: moments and spectra, gathered on the way."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fieldcast.simulators.flows.line_spectra import half_spectrum_multiplicity
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.plane_statistics import PlaneStatistics
from fieldcast.simulators.flows.sampled_grid import SampledGrid
from fieldcast.simulators.flows.shell_spectrum import shell_spectrum, shell_wavenumbers
from fieldcast.simulators.statistic import RunningMean, Statistic
from fieldcast.surrogates import metrics

Statistics = dict[str, Statistic]


class EnergySpectra(eqx.Module):
    """The square of every channel, by wavenumber.

    In a box that is periodic along all axes over shells of wavenumbers (`shell`); elsewhere along each periodic axis,
    under its name, as the mean over all lines along it: `E(k) = <|u^(k)|^2>`, both signs of k together.

    **Arguments:** `grid` of the fields.
    """

    grid: SampledGrid

    def __call__(self, fields: Float[Array, "channel *space"]) -> dict[str, Float[Array, "channel wavenumber"]]:
        if all(self.grid.periodic):
            return {"shell": jax.vmap(lambda channel: 2.0 * shell_spectrum(channel[None], self._box))(fields)}
        return {name: _line_spectrum(fields, 1 + axis) for axis, name in self._lines}

    def wavenumbers(self) -> dict[str, np.ndarray]:
        """Of the spectra, by their names."""
        if all(self.grid.periodic):
            return {"shell": shell_wavenumbers(self._box)}
        lengths, shape = self.grid.lengths, self.grid.shape
        return {name: 2.0 * np.pi / lengths[axis] * np.arange(shape[axis] // 2 + 1) for axis, name in self._lines}

    @property
    def _box(self) -> PeriodicBox:
        return PeriodicBox(self.grid.shape, self.grid.lengths)

    @property
    def _lines(self) -> list[tuple[int, str]]:
        return [(axis, name) for axis, name in enumerate(self.grid.axis_names) if self.grid.periodic[axis]]


def flow_statistics(grid: SampledGrid, num_channels: int) -> Statistics:
    """Statistics of nothing yet: `moments` over the periodic axes, and `spectra`."""
    homogeneous = tuple(axis for axis, periodic in enumerate(grid.periodic) if periodic)
    shape = (num_channels, *grid.shape)
    return {
        "moments": PlaneStatistics.empty(shape, homogeneous),
        "spectra": RunningMean.empty(EnergySpectra(grid), jax.ShapeDtypeStruct(shape, jnp.dtype(float))),
    }


@dataclass(frozen=True)
class StatisticsErrors:
    """How far statistics are from those of the truth; None where the truth has nothing to compare with.

    - `mean`: relative L2 error of the mean profile, all channels together; none in a box that is periodic all around.
    - `root_mean_square`: relative L2 error of the profile of every component's fluctuations, by its name.
    - `spectra`: log spectral distance of all channels' spectra, by their names.
    """

    mean: float | None
    root_mean_square: dict[str, float | None]
    spectra: dict[str, float | None]


def statistics_errors(predicted: Statistics, truth: Statistics, components: tuple[str, ...]) -> StatisticsErrors:
    """Errors of `flow_statistics` against the truth's."""
    found, true = predicted["moments"], truth["moments"]
    rms = zip(components, found.root_mean_square, true.root_mean_square, strict=True)
    spectra = truth["spectra"].mean
    return StatisticsErrors(
        metrics.relative_l2(found.mean, true.mean) if true.mean.ndim > 1 and np.any(true.mean) else None,
        {name: metrics.relative_l2(a, b) if np.any(b) else None for name, a, b in rms},
        {
            name: metrics.log_spectral_distance(predicted["spectra"].mean[name], spectrum)
            if np.any(spectrum[..., 1:])
            else None
            for name, spectrum in spectra.items()
        },
    )


def _line_spectrum(fields: Float[Array, "channel *space"], axis: int) -> Float[Array, "channel wavenumber"]:
    modes = jnp.fft.rfft(jnp.moveaxis(fields, axis, -1), axis=-1, norm="forward")
    power = jnp.mean(jnp.real(modes) ** 2 + jnp.imag(modes) ** 2, axis=tuple(range(1, fields.ndim - 1)))
    return power * jnp.asarray(half_spectrum_multiplicity(fields.shape[axis]), power.dtype)[None]
