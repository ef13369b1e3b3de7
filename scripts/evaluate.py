"""`fieldcast evaluate`: any number of trained surrogates side by side, on data they have not seen."""

from pathlib import Path

import tyro

from fieldcast.datasets.hdf5_layout import finished_file
from fieldcast.scripts.evaluate_fields import evaluate_fields
from fieldcast.scripts.evaluate_flows import FlowComparison, evaluate_flows


def evaluate(
    runs: tyro.conf.Positional[tuple[Path, ...]],
    data: Path,
    split: str = "test",
    output: Path = Path("runs/evaluation"),
    flow: FlowComparison = FlowComparison(),
) -> None:
    """Compare trained surrogates on a dataset of scenes or trajectories, beside what needs no training.

    Scenes are compared beside the free field, which knows no skull; trajectories beside persistence, the forecast that
    nothing changes. A table is printed; the numbers and figures are written to a folder.

    Args:
        runs: Run folders, one a row of the table.
        data: Folder of a generated dataset.
        split: Which of the dataset's splits is used.
        output: Folder that receives evaluation.json and the figures.
        flow: For trajectories only.
    """
    if _kind(data, split) == "scene":
        evaluate_fields(runs, data, split, output)
    else:
        evaluate_flows(runs, data, split, output, flow)


def _kind(data: Path, split: str) -> str:
    """What the files of a dataset hold: `scene` or `trajectory`."""
    path = next(iter(sorted((data / "data" / split).glob("*.h5"))), None)
    if path is None:
        raise ValueError(f"{data} holds nothing of the split {split!r}; generate it first (`fieldcast generate`).")
    with finished_file(path) as file:
        return str(file.attrs.get("fieldcast_kind", "scene"))
