"""What every benchmark's result says about where it comes from, and where it goes."""

import json
import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

import jax

RESULTS = Path(__file__).parents[1] / "docs" / "results"


def provenance(*packages: str) -> dict[str, object]:
    """Machine, date, and versions of the library, JAX, NumPy and other `packages`."""
    return {
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "device": jax.default_backend()},
        "date": date.today().isoformat(),
        "versions": {name: version(name) for name in ("fieldcast", "jax", "numpy", *packages)},
    }


def publish(result: dict[str, object], name: str, store: bool) -> None:
    """Print a result as one JSON line; with `store` also write it to `docs/results/NAME.json`."""
    print(json.dumps(result))
    if store:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
