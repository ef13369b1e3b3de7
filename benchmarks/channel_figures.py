"""Figures of a channel beside its reference."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from channel_reference import ChannelReference
from channel_run import ChannelRun, WallUnits

from fieldcast.simulators.flows.channel import ChannelFlow
from fieldcast.simulators.flows.chebyshev import derivative_matrix

COLOURS = ("tab:blue", "tab:orange", "tab:green")


def draw_channel(path: Path, flow: ChannelFlow, run: ChannelRun, units: WallUnits, reference: ChannelReference) -> None:
    """Mean velocity, fluctuations, shear stresses, and a plane of the last velocity."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.5), layout="constrained")
    draw_mean(axes[0, 0], units, reference)
    draw_fluctuations(axes[0, 1], units, reference)
    draw_stresses(axes[1, 0], flow, run, units, reference)
    x, y, z = flow.grid.axes()
    plane = np.array(flow.decode(run.state))[0, :, :, len(z) // 2].T
    shown = axes[1, 1].pcolormesh(x, y, plane, shading="gouraud")
    axes[1, 1].set(xlabel="x / h", ylabel="y / h", title="streamwise velocity", aspect="equal")
    figure.colorbar(shown, ax=axes[1, 1], label="u / u_tau", shrink=0.6)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_closures(path: Path, profiles: dict[str, WallUnits], reference: ChannelReference) -> None:
    """Mean velocity and the three fluctuations of several flows beside one reference."""
    figure, axes = plt.subplots(1, 4, figsize=(14, 4), layout="constrained")
    axes[0].plot(reference.height[1:], reference.mean[1:], "ko", markersize=4, label="filtered reference")
    axes[0].set(xscale="log", xlabel="y+", title="U+")
    for name, units in profiles.items():
        axes[0].plot(units.height[1:], units.mean[1:], label=name)
    axes[0].legend(fontsize="small")
    for index, component in enumerate("uvw"):
        axes[index + 1].plot(reference.height, reference.root_mean_square[index], "ko", markersize=4)
        axes[index + 1].set(xlabel="y+", title=f"root mean square of {component} / u_tau")
        for units in profiles.values():
            axes[index + 1].plot(units.height, units.root_mean_square[index])
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_mean(axes: plt.Axes, units: WallUnits, reference: ChannelReference) -> None:
    axes.semilogx(reference.height[1:], reference.mean[1:], "k--", label="reference")
    axes.semilogx(units.height[1:], units.mean[1:], color=COLOURS[0], label=f"here, Re_tau = {units.re_tau:.1f}")
    axes.set(xlabel="y+", ylabel="U+", title="mean velocity")
    axes.legend()


def draw_fluctuations(axes: plt.Axes, units: WallUnits, reference: ChannelReference) -> None:
    for name, colour, ours, theirs in zip(
        "uvw", COLOURS, units.root_mean_square, reference.root_mean_square, strict=True
    ):
        axes.plot(reference.height, theirs, "--", color="black")
        axes.plot(units.height, ours, color=colour, label=f"{name}'")
    axes.set(xlabel="y+", ylabel="root mean square / u_tau", title="fluctuations (reference dashed)")
    axes.legend()


def draw_stresses(
    axes: plt.Axes, flow: ChannelFlow, run: ChannelRun, units: WallUnits, reference: ChannelReference
) -> None:
    y = flow.grid.axes()[1]
    total = np.array(run.statistics.total_shear_stress(derivative_matrix(len(y)), flow.viscosity))
    lower = y <= 0
    axes.plot(y[lower] + 1, -y[lower], "k:", label="straight line")
    axes.plot(y[lower] + 1, total[lower] / units.friction_velocity**2, color=COLOURS[1], label="total")
    axes.plot(reference.height / reference.height[-1], -reference.shear_stress, "k--")
    axes.plot(units.height / units.re_tau, -units.shear_stress, color=COLOURS[0], label="-<u'v'>")
    axes.set(xlabel="y / h", ylabel="shear stress / u_tau^2", title="shear stress (reference dashed)")
    axes.legend()
