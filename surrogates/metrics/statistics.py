"""How far the statistics of one flow are from those of another: profiles and spectra."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import ArrayLike, Float

from fieldcast.simulators.flows.channel_statistics import ChannelStatistics
from fieldcast.surrogates.metrics.pointwise import comparable, relative_l2


@dataclass(frozen=True)
class ProfileErrors:
    """Relative L2 errors of profiles along the wall-normal points, `||f_hat - f||_2 / ||f||_2`.

    - `mean`: of the mean velocity along the channel, `<u>`.
    - `u_rms`, `v_rms`, `w_rms`: of the root mean squares of the fluctuations.
    - `shear_stress`: of the Reynolds shear stress `<u'v'>`.
    """

    mean: float
    u_rms: float
    v_rms: float
    w_rms: float
    shear_stress: float


def profile_errors(predicted: ChannelStatistics, reference: ChannelStatistics) -> ProfileErrors:
    """Errors of the statistics of one channel against those of another, at the same wall-normal points.

    Points count alike, as in the profiles that are published with IUFNO (github.com/Turbulence-AI/IUFNO-CHL). Both
    halves of the channel take part: fold the statistics first (`ChannelStatistics.folded`) if their difference is
    only noise.
    """
    rms = [relative_l2(*pair) for pair in zip(predicted.root_mean_square, reference.root_mean_square, strict=True)]
    return ProfileErrors(
        relative_l2(predicted.mean[0], reference.mean[0]),
        *rms,
        shear_stress=relative_l2(predicted.reynolds_stress[0, 1], reference.reynolds_stress[0, 1]),
    )


def log_spectral_distance(
    predicted: Float[ArrayLike, "*n wavenumber"], reference: Float[ArrayLike, "*n wavenumber"], floor: float = 1e-12
) -> float:
    """Root mean square of the logarithm of the ratio of two energy spectra, whatever wave carries most.

        sqrt(mean_k ln^2(E_hat(k) / E(k))),   over the k with E(k) > floor max E

    0.1 is a typical error of 10 %. The mean (k = 0) is left out. Where a prediction has less than the floor it is
    taken to have the floor.

    **Raises:** `ValueError` when the reference has no energy but at k = 0.

    Source: A. Gray, J. Markel, Distance measures for speech processing, IEEE Trans. ASSP 24, 1976,
    doi:10.1109/TASSP.1976.1162849.
    """
    predicted, reference = (spectrum[..., 1:] for spectrum in comparable(predicted, reference))
    least = floor * reference.max(axis=-1, keepdims=True)
    seen = reference > least
    if not seen.any():
        raise ValueError("The spectrum of reference has no energy at any wave.")
    ratio = np.maximum(predicted, least)[seen] / reference[seen]
    return float(np.sqrt(np.mean(np.log(ratio) ** 2)))
