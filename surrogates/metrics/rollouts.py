"""How long a rollout stays with the truth. Trajectories have the axes `(time, channel, *space)`."""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import ArrayLike, Float

from fieldcast.surrogates.metrics.pointwise import Weights, check_shapes, relative_l2, weighted_mean


def error_against_time(
    predicted: ArrayLike, reference: ArrayLike, metric: Callable[[ArrayLike, ArrayLike], float] = relative_l2
) -> Float[np.ndarray, " time"]:
    """A metric of every snapshot: `error_n = metric(predicted_n, reference_n)`."""
    predicted, reference = np.asarray(predicted), np.asarray(reference)
    check_shapes(predicted, reference)
    return np.asarray([metric(*pair) for pair in zip(predicted, reference, strict=True)])


def correlation_time(
    times: Float[ArrayLike, " time"], correlation: Float[ArrayLike, " time"], threshold: float = 0.8
) -> float:
    """The first of the times at which the correlation is below the threshold; infinite if it never is.

    A correlation that is not a number, of a rollout that has blown up, is below any.

    Source: Lippe et al., PDE-Refiner, NeurIPS 2023, arXiv:2308.05732.
    """
    times, correlation = np.asarray(times, float), np.asarray(correlation, float)
    check_shapes(correlation, times)
    below = ~(correlation >= threshold)
    return float(times[np.argmax(below)]) if below.any() else math.inf


def kinetic_energy(velocity: ArrayLike, weights: Weights = ()) -> float:
    """`1/2 <u.u>` of a velocity `(component, *space)`, the mean by quadrature weights along each axis."""
    return float(0.5 * np.sum(weighted_mean(np.asarray(velocity, float) ** 2, weights)))


def energy_drift(energy: Float[ArrayLike, " time"], reference: float | None = None) -> Float[np.ndarray, " time"]:
    """`(E_n - E) / E` of every time, where `E` is the first energy, or a `reference` such as the truth's mean."""
    energy = np.asarray(energy, float)
    reference = float(energy[0]) if reference is None else reference
    if reference == 0:
        raise ValueError("The energy of reference is zero; a drift relative to it means nothing.")
    return (energy - reference) / reference
