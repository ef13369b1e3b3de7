"""Figure and table of the experiment across resolutions, from its stored result."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullLocator
from resolution_claim import FUNCTION_SPACE, ONE, SEVERAL

COLOURS = {
    "FNO": "tab:blue",
    "LocalFNO, differences": "tab:cyan",
    "LocalFNO, integrals": "tab:green",
    "U-Net, interpolated": "tab:purple",
    "U-Net": "tab:red",
    "DilResNet": "tab:orange",
}


def draw(path: Path, result: dict[str, Any]) -> None:
    """A panel for each training: error against the number of points along an axis."""
    figure, panels = plt.subplots(1, 2, figsize=(13, 6), sharey=True, layout="constrained")
    grids = [int(n) for n in result["persistence"]]
    for axes, trained in zip(panels, (ONE, SEVERAL), strict=True):
        for model, errors in result["by_training"][trained].items():
            draw_model(axes, model, errors)
        axes.plot(grids, result["persistence"].values(), color="black", linestyle=":", label="nothing changes")
        points = [result["train_points"]] if trained == ONE else result["train_grids"]
        for n in points:
            axes.axvline(n, color="lightgrey", linewidth=6, zorder=0)
        axes.set(xscale="log", yscale="log", xlabel="points along an axis (grey: of the training)")
        axes.set_title(f"Trained on {trained}")
        axes.set_xticks(grids, map(str, grids))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.legend(fontsize="small", ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    panels[0].set_ylabel("relative L2 error of one step")
    panels[0].yaxis.set_major_formatter("{x:.3g}")
    panels[0].yaxis.set_minor_formatter("{x:.2g}")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_model(axes: plt.Axes, model: str, errors: dict[str, dict[str, float]]) -> None:
    """Function-space forms are full lines with dots, plain ones have crosses; resampled fields make them dashed."""
    base = next(name for name in sorted(COLOURS, key=len, reverse=True) if model.startswith(name))
    style = {"Fourier": "--", "linear": "-."}.get(model.removeprefix(f"{base}, ").split()[0], "-")
    axes.errorbar(
        [int(n) for n in errors],
        [np.nan if error["mean"] is None else error["mean"] for error in errors.values()],
        [error["spread"] or 0.0 for error in errors.values()],
        color=COLOURS[base],
        linestyle=style,
        marker="o" if base in FUNCTION_SPACE else "x",
        capsize=2,
        label=model,
    )


def markdown_table(result: dict[str, Any]) -> str:
    """Errors in percent by grid, and the factor of the claim."""
    grids = list(result["persistence"])
    lines = [
        f"| trained on | model | {' | '.join(f'{n}²' for n in grids)} | factor | parameters | training [s] |",
        "|---|---|" + "---|" * (len(grids) + 3),
    ]
    for trained, models in result["by_training"].items():
        for model, errors in models.items():
            values = " | ".join(percent(errors[n]) for n in grids)
            cost = result["costs"].get(f"{model}, {trained}")
            costs = "| |" if cost is None else f"{cost['parameters']:,} | {cost['training_seconds']:.0f} |"
            ratio = result["verdicts"]["factors"][trained][model]
            lines.append(f"| {trained} | {model} | {values} | {'-' if ratio is None else f'{ratio:.2f}'} | {costs}")
    still = " | ".join(f"{100 * error:.1f}" for error in result["persistence"].values())
    return "\n".join([*lines, f"| | nothing changes | {still} | | | |"])


def percent(error: dict[str, float | None]) -> str:
    """With the spread over seeds, where there is one."""
    if error["mean"] is None:
        return "blown up"
    spread = f" ± {100 * error['spread']:.1f}" if error["spread"] else ""
    return f"{100 * error['mean']:.1f}{spread}"
