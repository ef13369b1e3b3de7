"""The figure of the turbulent channel: errors and energy against time, profiles and spectra."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from channel_contenders import CLOSURES, Size
from channel_rollouts import Measured

from fieldcast.simulators.flows.channel_grid import ChannelGrid

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")


def draw(path: Path, size: Size, training: str, runs: dict[str, list[Measured]], true: Measured) -> None:
    """All that were trained in one way, by their first seed, beside the large-eddy simulations and the truth."""
    names = [*(f"{name}, {training}" for name in size.operators), *CLOSURES]
    shown = {name.removesuffix(f", {training}"): runs[name][0] for name in names}
    colours = dict(zip(shown, COLOURS, strict=True))
    figure, axes = plt.subplots(2, 4, figsize=(18, 8.5), layout="constrained")
    _draw_errors(axes[0, 0], {**shown, "persistence": runs["persistence"][0]}, colours)
    _draw_energy(axes[0, 1], shown, colours, true)
    grid = ChannelGrid(size.recipe.kept_points, size.recipe.lengths)
    height = grid.axes()[1]
    _draw_profile(axes[0, 2], height, {name: run["mean"] for name, run in shown.items()}, true["mean"], colours, "<u>")
    for index, component in enumerate("uvw"):
        profiles = {name: run["rms"][index] for name, run in shown.items()}
        title = f"root mean square of {component}'"
        _draw_profile(axes.flat[3 + index], height, profiles, true["rms"][index], colours, title)
    for column, (axis, length) in enumerate(zip("xz", size.recipe.lengths, strict=True)):
        _draw_spectrum(axes[1, 2 + column], axis, length, shown, colours, true)
    figure.suptitle(f"Trained on {training}; the truth in black")
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _draw_errors(axes: plt.Axes, runs: dict[str, Measured], colours: dict[str, str]) -> None:
    for name, run in runs.items():
        axes.plot(run["times"], run["relative_l2"], color=colours.get(name, "grey"), label=name)
    axes.set(xlabel="time [h / laminar centre velocity]", title="relative L2 error of a rollout", yscale="log")
    axes.set_xlim(0, min(100, axes.get_xlim()[1]))
    axes.legend(fontsize="small")


def _draw_energy(axes: plt.Axes, runs: dict[str, Measured], colours: dict[str, str], true: Measured) -> None:
    axes.axhspan(min(true["energy"]), max(true["energy"]), color="black", alpha=0.15)
    for name, run in runs.items():
        steps = np.arange(1, 1 + len(run["energy"]))
        axes.plot(steps, run["energy"], color=colours[name], linewidth=0.8)
        if run["blow_up_step"] is not None:
            last = run["energy"][-1] if run["energy"] else np.mean(true["energy"])
            axes.plot([run["blow_up_step"]], [last], "x", color=colours[name], markersize=10, markeredgewidth=2)
    axes.set(xlabel="step", title="energy of fluctuations (cross: blow-up; band: truth)", yscale="log", xscale="log")


def _draw_profile(
    axes: plt.Axes,
    height: np.ndarray,
    profiles: dict[str, list[float]],
    true: list[float],
    colours: dict[str, str],
    title: str,
) -> None:
    axes.plot(height, true, "ko-", markersize=3)
    for name, profile in profiles.items():
        axes.plot(height, profile, color=colours[name])
    axes.set(xlabel="y / h", title=title, ylim=(0.0, 2.5 * max(true) if "root" in title else None))


def _draw_spectrum(
    axes: plt.Axes, axis: str, length: float, runs: dict[str, Measured], colours: dict[str, str], true: Measured
) -> None:
    """Of all three components together."""

    def curve(run: Measured) -> np.ndarray:
        return np.asarray(run["spectra"][axis]).sum(axis=0)[1:-1]

    wavenumbers = 2.0 * np.pi / length * np.arange(1, len(curve(true)) + 1)
    axes.loglog(wavenumbers, curve(true), "ko-", markersize=3)
    for name, run in runs.items():
        axes.loglog(wavenumbers, curve(run), color=colours[name])
    low, high = curve(true).min(), curve(true).max()
    axes.set(xlabel=f"wavenumber along {axis} [1 / h]", title=f"energy along {axis}", ylim=(low / 30, high * 10))
