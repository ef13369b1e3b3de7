"""What every experiment reports: its claim, whether it held here, errors, seconds, device, seeds."""

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from report import provenance, publish  # shared with the other benchmarks

RUNS = Path("runs/experiments")
"""Where data and trained models go; nothing there is done twice."""


@dataclass(frozen=True)
class Result:
    """The outcome of an experiment.

    - `experiment`: its name. `claim`: what was to be shown. `claim_holds`: whether it was.
    - `errors`: main errors by model. `seconds`: by what took them. `seeds`: of the trainings.
    - `details`: everything else that the tables and figures need.
    """

    experiment: str
    claim: str
    claim_holds: bool
    errors: dict[str, object]
    seconds: dict[str, float]
    seeds: Sequence[int]
    details: dict[str, object]

    def report(self, size: str, store: bool) -> None:
        """Print one JSON line; with `store` write it to `docs/results/experiment_NAME.json` too."""
        line = {
            "experiment": self.experiment,
            "claim": self.claim,
            "claim_holds": self.claim_holds,
            "errors": self.errors,
            "seconds": self.seconds,
            "device": jax.devices()[0].device_kind,
            "seeds": list(self.seeds),
            "size": size,
            **self.details,
        }
        publish(_rounded(line) | provenance("equinox", "optax"), f"experiment_{self.experiment}", store)


def mean_and_spread(values: Iterable[float]) -> dict[str, float]:
    """Mean and standard deviation over seeds; a run that blew up makes both infinite."""
    values = np.asarray(list(values), float)
    if not np.all(np.isfinite(values)):
        return {"mean": math.inf, "spread": math.inf}
    return {"mean": float(values.mean()), "spread": float(values.std())}


def _rounded(value: object) -> object:
    """Four digits; what JSON has no number for becomes `null`."""
    if isinstance(value, dict):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value
