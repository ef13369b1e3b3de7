"""Figure and table of the SineNet experiment, from its stored result."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullLocator
from sinenet_claim import wave_name

KINDS = {"one_step": "one step", "rollout": "rollout"}
COLOURS = {"one_step": "tab:blue", "rollout": "tab:orange"}


def draw(path: Path, result: dict[str, Any]) -> None:
    """A row a flow: error against the number of waves, error against time, zero beside periodic padding."""
    figure, rows = plt.subplots(
        len(result["flows"]), 3, figsize=(14, 4.2 * len(result["flows"])), layout="constrained", squeeze=False
    )
    for (name, flow), axes in zip(result["flows"].items(), rows, strict=True):
        draw_waves(axes[0], name, flow)
        draw_times(axes[1], name, flow)
        draw_padding(axes[2], name, flow)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_waves(axes: plt.Axes, name: str, flow: dict[str, Any]) -> None:
    """Dots with the spread over seeds; the other models are lines across."""
    styles = dict(zip(others(flow), ("--", ":", "-.", (0, (1, 4))), strict=False))
    for kind, label in KINDS.items():
        errors = [flow["models"][wave_name(number)][kind] for number in flow["waves"]]
        means, spreads = ([error[part] for error in errors] for part in ("mean", "spread"))
        axes.errorbar(
            flow["waves"], means, spreads, fmt="o-", capsize=3, color=COLOURS[kind], label=f"SineNet, {label}"
        )
        for model, style in styles.items():
            error = flow["models"][model][kind]["mean"]
            axes.axhline(error, linestyle=style, color=COLOURS[kind], label=f"{model}, {label}", linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="waves", ylabel="relative L2 error", title=f"{name}: number of waves")
    axes.set_xticks(flow["waves"], map(str, flow["waves"]))
    axes.xaxis.set_minor_locator(NullLocator())
    plain_numbers(axes)
    axes.legend(fontsize="x-small")


def draw_times(axes: plt.Axes, name: str, flow: dict[str, Any]) -> None:
    for model, measured in flow["models"].items():
        errors = measured["against_time"]
        style = "--" if "zeros" in model else "-" if model.startswith("SineNet") else ":"
        axes.semilogy(np.arange(1, len(errors) + 1), errors, style, label=model)
    plain_numbers(axes)
    axes.set(xlabel="steps of the rollout", ylabel="relative L2 error", title=f"{name}: error against time")
    axes.legend(fontsize="x-small")


def plain_numbers(axes: plt.Axes) -> None:
    """Errors within one decade need more ticks than its ends, and no powers of ten."""
    axes.yaxis.set_major_formatter("{x:.3g}")
    axes.yaxis.set_minor_formatter("{x:.2g}")


def draw_padding(axes: plt.Axes, name: str, flow: dict[str, Any]) -> None:
    places, ticks = [], []
    for number in flow["zero_padded"]:
        for kind, label in KINDS.items():
            place = len(places)
            pair = [flow["models"][wave_name(number, zeros=zeros)][kind] for zeros in (False, True)]
            for offset, error, hatch in zip((-0.2, 0.2), pair, ("", "//"), strict=True):
                axes.bar(
                    place + offset,
                    error["mean"],
                    0.38,
                    yerr=error["spread"],
                    capsize=3,
                    color=COLOURS[kind],
                    hatch=hatch,
                    edgecolor="black",
                )
            ratio = flow["padding_gap"][kind][str(number)]
            axes.text(
                place, 1.03 * max(error["mean"] + error["spread"] for error in pair), f"x {ratio:.2f}", ha="center"
            )
            places.append(place)
            ticks.append(f"{label}, {number} waves")
    axes.set_xticks(places, ticks)
    axes.margins(y=0.1)
    axes.set(ylabel="relative L2 error", title=f"{name}: periodic padding, and zeros (hatched)")


def others(flow: dict[str, Any]) -> list[str]:
    return [model for model in flow["models"] if not model.startswith("SineNet")]


def markdown_table(result: dict[str, Any]) -> str:
    """One table a flow."""
    return "\n\n".join(flow_table(name, flow) for name, flow in result["flows"].items())


def flow_table(name: str, flow: dict[str, Any]) -> str:
    lines = [
        f"| {name} | parameters | one step [%] | rollout [%] | seeds | training [s] | a step [ms] |",
        "|---|---|---|---|---|---|---|",
    ]
    for model, measured in flow["models"].items():
        errors = " | ".join(percent(measured[kind]) for kind in KINDS)
        cost = f"{measured['seeds']} | {measured['training_seconds']:.0f} | {1e3 * measured['seconds_per_step']:.1f}"
        lines.append(f"| {model} | {measured['parameters']:,} | {errors} | {cost} |")
    still = " | ".join(f"{100 * flow['persistence'][kind]:.2f}" for kind in KINDS)
    return "\n".join([*lines, f"| nothing changes | 0 | {still} | | | |"])


def percent(error: dict[str, float | None]) -> str:
    if error["mean"] is None:
        return "blown up"
    return f"{100 * error['mean']:.2f} ± {100 * error['spread']:.2f}"
