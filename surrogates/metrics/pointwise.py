"""How far one field is from another, point by point. Fields are channel first; sums are in double precision."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import ArrayLike

Weights = Sequence[ArrayLike]
"""Quadrature weights along each axis of space; none at all stand for points that count alike."""


def relative_l2(predicted: ArrayLike, reference: ArrayLike) -> float:
    """`||u_hat - u||_2 / ||u||_2` over all channels and points."""
    predicted, reference = comparable(predicted, reference)
    return float(np.linalg.norm(predicted - reference) / np.linalg.norm(reference))


def channel_relative_l2(predicted: ArrayLike, reference: ArrayLike) -> float:
    """`mean_c ||u_hat_c - u_c||_2 / ||u_c||_2`: relative error of every channel, whatever its size.

    **Raises:** `ValueError` when a channel of the reference is zero everywhere.
    """
    predicted, reference = comparable(predicted, reference)
    return float(np.mean([relative_l2(*pair) for pair in zip(predicted, reference, strict=True)]))


def root_mean_square_error(predicted: ArrayLike, reference: ArrayLike) -> float:
    """`sqrt(<|u_hat - u|^2>)` over all channels and points, in the unit of the field."""
    predicted, reference = _arrays(predicted, reference)
    return float(np.sqrt(np.mean((predicted - reference) ** 2)))


def variance_scaled_error(predicted: ArrayLike, reference: ArrayLike, epsilon: float = 1e-7) -> float:
    """The VRMSE of The Well: 1 is the error of who answers with the mean.

        mean_c sqrt(<|u_hat_c - u_c|^2> / (<|u_c - <u_c>|^2> + epsilon)),   <.> over space

    Source: Ohana et al., The Well, NeurIPS 2024, arXiv:2412.00568.
    """
    predicted, reference = _arrays(predicted, reference)
    space = tuple(range(1, reference.ndim))
    squares = np.mean((predicted - reference) ** 2, axis=space)
    return float(np.mean(np.sqrt(squares / (np.var(reference, axis=space) + epsilon))))


def pearson_correlation(predicted: ArrayLike, reference: ArrayLike) -> float:
    """Correlation over space, the mean over the channels: 1 for equal patterns whatever their scale, -1 for opposite.

        mean_c <u_hat_c' u_c'> / sqrt(<u_hat_c'^2> <u_c'^2>),   u' = u - <u>

    A channel in which either field is constant has no correlation and counts as 0.
    """
    predicted, reference = _arrays(predicted, reference)
    a, b = (f.reshape(len(f), -1) - f.reshape(len(f), -1).mean(axis=1, keepdims=True) for f in (predicted, reference))
    product, sizes = np.sum(a * b, axis=1), np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean(np.divide(product, sizes, out=np.zeros_like(product), where=sizes != 0)))


def weighted_mean(field: ArrayLike, weights: Weights = ()) -> np.ndarray:
    """Mean of every channel over space, with quadrature weights along each axis (`FlowGrid.weights`)."""
    field = np.asarray(field, dtype=float)
    if len(weights) == 0:
        return field.mean(axis=tuple(range(1, field.ndim)))
    for along_axis in reversed(weights):
        field = field @ (np.asarray(along_axis) / math.fsum(along_axis))
    return field


def comparable(predicted: ArrayLike, reference: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays in double precision, once a relative error between them means something.

    **Raises:** `ValueError` when their shapes differ, or the reference is zero everywhere.
    """
    predicted, reference = _arrays(predicted, reference)
    if not np.any(reference):
        raise ValueError("The reference is zero everywhere; an error relative to it means nothing.")
    return predicted, reference


def check_shapes(predicted: np.ndarray, reference: np.ndarray) -> None:
    """Refuse arrays of unequal shape."""
    if predicted.shape != reference.shape:
        raise ValueError(f"The prediction has shape {predicted.shape}, the reference {reference.shape}.")


def _arrays(predicted: ArrayLike, reference: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    predicted, reference = np.asarray(predicted, dtype=float), np.asarray(reference, dtype=float)
    check_shapes(predicted, reference)
    return predicted, reference
