"""Tables of errors, as Markdown, and their numbers, as JSON."""

import json
import math
import platform
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from fieldcast.datasets.atomic import atomic_write
from fieldcast.surrogates.evaluation import FieldErrors, mean_errors, spread_of_errors

_COLUMNS = (
    ("relative L2", "relative_l2", 1.0, ".3f"),
    ("relative L2 (log)", "relative_l2_log", 1.0, ".3f"),
    ("relative L2 (brain)", "relative_l2_inside", 1.0, ".3f"),
    ("focus [mm]", "focal_error", 1e3, ".2f"),
    ("peak (brain)", "peak_error", 1.0, ".3f"),
    ("peak (grid)", "peak_error_grid", 1.0, ".3f"),
    ("-6 dB Dice", "dice", 1.0, ".3f"),
)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up when read as plain text."""
    widths = [max(len(str(row[i])) for row in (header, *rows)) for i in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def errors_table(errors: dict[str, Sequence[FieldErrors]], seconds: dict[str, float]) -> str:
    """Mean and standard deviation of every error, a solver a row, and the seconds it takes for a field if given."""
    rows = []
    for name, scenes in errors.items():
        mean, spread = mean_errors(scenes), spread_of_errors(scenes)
        cells = [
            f"{factor * getattr(mean, key):{form}} ± {factor * getattr(spread, key):{form}}"
            for _, key, factor, form in _COLUMNS
        ]
        rows.append([name, *cells, *([duration(seconds[name])] if seconds else [])])
    times = ["time a field"] if seconds else []
    return markdown_table(["", *(title for title, *_ in _COLUMNS), *times], rows)


def duration(seconds: float) -> str:
    """In seconds, or below one in milliseconds."""
    return f"{seconds:.1f} s" if seconds >= 1.0 else f"{1e3 * seconds:.3g} ms"


def write_evaluation(folder: Path, numbers: dict[str, Any]) -> None:
    """Write `evaluation.json`: the numbers, and when, where and by what they were found."""
    where = {
        "date": date.today().isoformat(),
        "device": jax.devices()[0].device_kind,
        "machine": platform.machine(),
        "versions": {package: version(package) for package in ("fieldcast", "jax")},
    }
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / "evaluation.json") as temporary:
        temporary.write_text(json.dumps(_finite(where | numbers), indent=1, allow_nan=False) + "\n")
    print(f"Numbers and figures: {folder}")


def _finite(value: Any) -> Any:
    """The same with null for what is infinite or not a number, which JSON does not know."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
