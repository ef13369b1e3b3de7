"""The three parts of the claim about resolutions, by rules."""

from collections.abc import Mapping, Sequence
from typing import Any

CLAIM = (
    "Trained on one grid, function-space forms hold their error on finer ones and plain networks do not; training on "
    "several grids closes the rest."
)
HELD = 1.5
"""The largest error on finer grids, over that on the grid of the training, up to which the error counts as held."""
FUNCTION_SPACE = "FNO", "LocalFNO, differences", "LocalFNO, integrals", "U-Net, interpolated"
PLAIN = "U-Net", "DilResNet"
ONE, SEVERAL = "one grid", "several grids"

Errors = Mapping[str, Mapping[int, Mapping[str, float]]]
"""Mean errors over the seeds, by model and by points along an axis."""


def factor(errors: Mapping[int, Mapping[str, float]], train_points: int) -> float:
    """The largest error on finer grids over that on the grid of the training."""
    return max(error["mean"] for n, error in errors.items() if n > train_points) / errors[train_points]["mean"]


def judged(one: Errors, several: Errors, train_points: int) -> dict[str, Any]:
    """Factors of all models, and which parts of the claim hold.

    That training on several grids *closes* the rest asks for a held error of every model that was trained so; that it
    *lowers* the factor of the plain ones is less, and no part of the claim.
    """
    factors = {
        trained: {model: factor(each, train_points) for model, each in errors.items()}
        for trained, errors in ((ONE, one), (SEVERAL, several))
    }
    both = factors[ONE], factors[SEVERAL]
    return {
        "factors": factors,
        "function_space_holds": all(value <= HELD for value in _of(both[0], FUNCTION_SPACE)),
        "plain_does_not": all(value > HELD for value in _of(both[0], PLAIN)),
        "several_grids_close": all(value <= HELD for value in both[1].values()),
        "several_grids_lower": all(both[1][model] < both[0][model] for model in PLAIN if model in both[1]),
    }


def holds(verdicts: Mapping[str, Any]) -> bool:
    """All three parts together."""
    return all(verdicts[part] for part in ("function_space_holds", "plain_does_not", "several_grids_close"))


def _of(factors: Mapping[str, float], models: Sequence[str]) -> list[float]:
    return [factors[model] for model in models if model in factors]
