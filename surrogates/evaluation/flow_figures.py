"""Pictures of an evaluation: errors against time, spectra, profiles; each solver is a line."""

from typing import TYPE_CHECKING

import numpy as np

from fieldcast.surrogates.evaluation.flow_statistics import EnergySpectra, Statistics
from fieldcast.surrogates.evaluation.flow_tests import FlowTests
from fieldcast.surrogates.evaluation.trajectories import StepperErrors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Errors = dict[str, StepperErrors]


def plot_rollouts(errors: Errors) -> "Figure":
    """Relative error and correlation against time: the mean of all rollouts, and faintly each of them.

    The mean ends where the first of the rollouts has blown up.
    """
    figure, ((left, right),) = _panels(1, 2)
    for number, (name, found) in enumerate(errors.items()):
        for panel, values in ((left, found.relative_l2), (right, found.correlation)):
            values = np.where(np.isfinite(values), values, np.nan)
            panel.plot(found.times, values.T, color=f"C{number}", alpha=0.25, linewidth=0.8)
            panel.plot(found.times, values.mean(axis=0), color=f"C{number}", label=name)
    left.set(xlabel="time", ylabel="relative L2 error", yscale="log")
    right.axhline(0.8, color="grey", linestyle=":")
    right.set(xlabel="time", ylabel="correlation with the truth", ylim=(-0.1, 1.02))
    left.legend(fontsize="small")
    return figure


def plot_spectra(errors: Errors, tests: FlowTests) -> "Figure":
    """Spectra of every component, one row for each kind, the truth in black."""
    wavenumbers = EnergySpectra(tests.grid).wavenumbers()
    figure, panels = _panels(len(wavenumbers), len(tests.components))
    for row, (name, k) in zip(panels, wavenumbers.items(), strict=True):
        for channel, (panel, component) in enumerate(zip(row, tests.components, strict=True)):
            for label, statistics, style in _lines(errors):
                energy = np.asarray(statistics["spectra"].mean[name])[channel, 1:]
                panel.loglog(k[1:], np.where(energy > 0, energy, np.nan), label=label, **style)
            highest = np.max(np.asarray(_truth(errors)["spectra"].mean[name])[channel, 1:])
            panel.xaxis.set_minor_formatter(lambda value, place: "")
            panel.set_ylim(bottom=max(panel.get_ylim()[0], 1e-9 * highest))  # below is round-off
            panel.set(xlabel="wavenumber" + ("" if name == "shell" else f" along {name}"), title=component)
        row[0].set_ylabel("energy")
    panels[0][0].legend(fontsize="small")
    return figure


def plot_profiles(errors: Errors, tests: FlowTests) -> "Figure":
    """Mean and root mean square of every component along the one axis that is not periodic, the truth in black."""
    axis = tests.grid.periodic.index(False)
    name, points = tests.grid.axis_names[axis], tests.grid.axes()[axis]
    figure, panels = _panels(2, len(tests.components))
    for row, title in zip(panels, ("mean", "root mean square"), strict=True):
        for channel, (panel, component) in enumerate(zip(row, tests.components, strict=True)):
            for label, statistics, style in _lines(errors):
                moments = statistics["moments"]
                values = moments.mean if title == "mean" else moments.root_mean_square
                panel.plot(points, np.asarray(values)[channel], label=label, **style)
            panel.set(xlabel=name, title=f"{title} of {component}")
    panels[0][0].legend(fontsize="small")
    return figure


def _lines(errors: Errors) -> list[tuple[str, Statistics, dict]]:
    """Label, statistics and style of the truth and of every solver, of its longer rollout if it has one."""
    lines = [("truth", _truth(errors), {"color": "black", "linewidth": 2.0})]
    for number, (name, found) in enumerate(errors.items()):
        run = found if found.long_run is None else found.long_run
        lines.append((name, run.statistics, {"color": f"C{number}", "linewidth": 1.2}))
    return lines


def _truth(errors: Errors) -> Statistics:
    return next(iter(errors.values())).truth


def _panels(rows: int, columns: int) -> "tuple[Figure, list[list[Axes]]]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * columns, 3.4 * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False).tolist()
