"""The results of the turbulent channel as tables for the page about them."""

from typing import Any

COLUMNS = {
    "one_step": "one step",
    "one_step_vrmse": "one step (VRMSE)",
    "ten_steps": "ten steps",
    "mean": "mean",
    "u_rms": "u rms",
    "v_rms": "v rms",
    "w_rms": "w rms",
    "shear_stress": "shear stress",
    "spectrum_x": "spectra x",
    "spectrum_z": "spectra z",
}


def tables(result: dict[str, Any]) -> str:
    """Markdown: errors and blow-up, then what it cost."""
    head = ["", *COLUMNS.values(), "blow-up at step"]
    rows = [
        [label, *(_spread(errors[name]) for name in COLUMNS), _blow_ups(result, label)]
        for label, errors in result["errors"].items()
    ]
    rows.append(["sampling error of the data", *(_number(result["sampling_error"].get(name)) for name in COLUMNS), ""])
    rows.append(["published neighbour (IUFNO)", *(_number(result["bar"].get(name)) for name in COLUMNS), ""])
    cost_rows = [
        [label, f"{number:,}", f"{result['training_seconds'][label]:.0f}"]
        for label, number in result["parameters"].items()
    ]
    time_rows = [
        [name.removesuffix(", an interval"), f"{1e3 * seconds:.3g}"]
        for name, seconds in result["seconds"].items()
        if name.endswith(", an interval")
    ]
    verdict_rows = [[training, *map(_yes, parts.values())] for training, parts in result["verdicts"].items()]
    parts = next(iter(result["verdicts"].values()))
    return "\n\n".join(
        [
            _markdown(head, rows),
            _markdown(["", "parameters", "training [s]"], cost_rows),
            _markdown(["", "milliseconds an interval"], time_rows),
            _markdown(["training", *(name.replace("_", " ") for name in parts)], verdict_rows),
        ]
    )


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _blow_ups(result: dict[str, Any], label: str) -> str:
    steps = zip(result["blow_up_steps"][label], result["num_steps"][label], strict=True)
    return ", ".join(f"none in {healthy:,}" if step is None else f"{step:,}" for step, healthy in steps)


def _spread(value: dict[str, float | None]) -> str:
    mean, spread = value["mean"], value["spread"]
    if mean is None:
        return "not finite"
    return _number(mean) if not spread else f"{_number(mean)} ± {_number(spread)}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _yes(part: bool) -> str:
    return "yes" if part else "no"
