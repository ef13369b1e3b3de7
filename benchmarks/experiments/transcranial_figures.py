"""The figures of the transcranial experiment."""

from pathlib import Path

import matplotlib
import numpy as np
from transcranial_models import ABLATIONS, FNO_BASELINE, PUBLISHED, UNET
from transcranial_tables import PAPER, REPRODUCTION

from fieldcast.datasets.scene_file import SceneRecord
from fieldcast.simulators.acoustics.figures import compare_fields, save_figure
from fieldcast.simulators.acoustics.free_field import FreeField
from fieldcast.simulators.acoustics.solver import FieldSolver

matplotlib.use("Agg")
import matplotlib.pyplot as plt

_PANELS = (
    ("relative L2 error (log)", "relative_l2_log", 1.0, "relative_l2"),
    ("focal error, brain [mm]", "focal_error", 1e3, None),
    ("focal error, grid [mm]", "focal_error_grid", 1e3, "focal_mm"),
    ("error of the peak, grid", "peak_error_grid", 1.0, "peak"),
    ("-6 dB Dice, brain (1 is best)", "dice", 1.0, None),
)


def draw_errors(errors: dict[str, dict[str, float]], spread: dict[str, dict[str, float]], path: Path) -> None:
    """Bars of the errors, a contender a row; the published numbers, on other data, as lines."""
    names = list(errors)
    rows = np.arange(len(names))[::-1]
    figure, panels = plt.subplots(
        1, len(_PANELS), figsize=(16, 0.36 * len(names) + 1.4), sharey=True, layout="constrained"
    )
    for panel, (title, key, scale, published) in zip(panels, _PANELS, strict=True):
        values = [scale * errors[name][key] for name in names]
        bars = [scale * spread[name][key] for name in names]
        panel.barh(rows, values, xerr=bars, color=[_colour(name) for name in names], error_kw={"lw": 0.8})
        panel.set(title=title, xlim=(0, None), yticks=rows, yticklabels=names)
        panel.tick_params(axis="y", length=0)
        panel.spines[["top", "right"]].set_visible(False)
        if published is not None:
            panel.axvline(PAPER[published][0], color="black", ls="--", lw=1.2, label="paper")
            panel.axvline(REPRODUCTION[published][0], color="black", ls=":", lw=1.2, label="reproduction")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, title="on other data")
    save_figure(figure, path)


def draw_fields(record: SceneRecord, solvers: dict[str, FieldSolver], path: Path) -> None:
    """One scene's field through its focus: truth, free field, and some contenders."""
    scene = record.scene
    fields = {"k-Wave": record.field, "free field": FreeField()(scene)}
    fields |= {name: solver(scene) for name, solver in solvers.items()}
    save_figure(compare_fields(fields, scene.head, scene.transducer), path)


def _colour(name: str) -> str:
    if name == PUBLISHED:
        return "tab:blue"
    if name in ABLATIONS:
        return "lightsteelblue"
    if name in (UNET, FNO_BASELINE):
        return "tan"
    return "silver" if name.startswith("free field (") else "tab:green"
