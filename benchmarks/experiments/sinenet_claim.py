"""The two halves of the claim about SineNet, by rules."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

CLAIM = (
    "At equal parameters the error falls monotonically with the number of waves, and on periodic data zero padding "
    "has about twice the rollout error of periodic padding."
)
ABOUT_TWICE = 1.5, 3.0
KINDS = "one_step", "rollout"

Models = Mapping[str, Mapping[str, Any]]
"""What was measured of each model; of each of `KINDS` the mean over seeds."""


def wave_name(number: int, zeros: bool = False) -> str:
    """The name of a SineNet of so many waves."""
    return f"SineNet-{number}{', zeros' if zeros else ''}"


def falls_with_waves(waves: Sequence[int], models: Models) -> dict[str, bool]:
    """Whether every SineNet has a smaller mean error than the one with fewer waves."""
    errors = {kind: [models[wave_name(number)][kind]["mean"] for number in sorted(waves)] for kind in KINDS}
    return {kind: bool(np.all(np.diff(each) < 0)) for kind, each in errors.items()}


def padding_gap(zero_padded: Sequence[int], models: Models) -> dict[str, Any]:
    """Errors with zero padding over those with periodic padding, by waves; the rollout's should be about two."""

    def gap(number: int, kind: str) -> float:
        zeros, periodic = (models[wave_name(number, zeros=each)][kind]["mean"] for each in (True, False))
        return zeros / periodic

    gaps = {kind: {number: gap(number, kind) for number in zero_padded} for kind in KINDS}
    low, high = ABOUT_TWICE
    return {**gaps, "about_twice": all(low <= each <= high for each in gaps["rollout"].values())}
