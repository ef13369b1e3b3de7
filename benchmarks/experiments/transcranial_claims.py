"""The rules by which the claims of the transcranial experiment hold or do not."""

import math
from collections.abc import Sequence

import numpy as np
from transcranial_models import ABLATIONS, FNO_BASELINE, PUBLISHED, REMEDIES, UNET

SceneErrors = Sequence[dict[str, float]]
"""Errors by scene, the same scenes in the same order for every contender."""


def claims(errors: dict[str, SceneErrors], seconds: dict[str, float]) -> dict[str, dict[str, float | bool]]:
    """What the paper claims, each with its difference on our scenes; what was not trained is left out.

    The weighted loss is to help at the peak, so it is judged by the error of the peak's pressure, all else by the
    relative L2 error.
    """
    tested = {
        f"better than {name}": lower(errors[PUBLISHED], errors[name], _METRICS.get(name, "relative_l2"))
        for name in (*ABLATIONS, UNET, FNO_BASELINE)
        if name in errors
    }
    ratio = seconds["k-Wave"] / seconds["surrogate"]
    return tested | {"faster than k-Wave": {"ratio": ratio, "holds": ratio > 1}}


def remedies(errors: dict[str, SceneErrors]) -> dict[str, dict[str, float | bool | str]]:
    """Whether each remedy brings the focal error in the brain down, against what it was added to [mm]."""
    return {
        name: {"added_to": base} | lower(errors[name], errors[base], "focal_error", unit=1e3)
        for name, base in REMEDIES.items()
        if name in errors and base in errors
    }


def lower(one: SceneErrors, other: SceneErrors, metric: str, unit: float = 1.0) -> dict[str, float | bool]:
    """Whether `one` has the lower error: by more than two standard errors of the mean difference over the scenes.

    Differences are taken scene by scene, so that what makes a scene hard for all does not count.
    """
    differences = unit * np.asarray([b[metric] - a[metric] for a, b in zip(one, other, strict=True)])
    error = float(differences.std(ddof=1)) / math.sqrt(differences.size) if differences.size > 1 else math.inf
    mean = float(differences.mean())
    return {"gain": mean, "standard_error": error, "holds": mean > 2 * error}


_METRICS = {"without weighted loss": "peak_error_grid"}
