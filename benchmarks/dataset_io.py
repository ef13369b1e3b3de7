"""How fast datasets are written, read and generated, and whether The Well's own loader opens them.

Throughput is that of trajectory files beside plain h5py with the same chunks and filters, which take turns; files are
in the cache of the system for both. Batches end as arrays of JAX. The generation engine carries out jobs that do
nothing, and a job of k-Wave is the measure of what that costs.

    python benchmarks/dataset_io.py --well-python VENV/bin/python     four minutes on two cores
    python benchmarks/dataset_io.py --quick                           one minute; prints without storing

`--well-python`: an interpreter that has `the_well` (`pip install the_well`), which brings PyTorch along.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import tyro
from dataset_jobs import overhead
from dataset_throughput import Case, throughput, write_ours
from report import provenance, publish

from fieldcast.datasets.manifest import finish_dataset

CASES = {
    "plane": Case((128, 128), num_files=6, num_snapshots=101, length=8, batch_size=8, num_batches=15),
    "channel": Case((32, 33, 16), num_files=6, num_snapshots=101, length=8, batch_size=8, num_batches=15),
}
QUICK_CASES = {"plane": Case((96, 96), num_files=4, num_snapshots=61, length=8, batch_size=8, num_batches=5)}
WELL = """
import sys
import torch
from the_well.data import WellDataset
from the_well.data.normalization import ZScoreNormalization
normalised = {"use_normalization": True, "normalization_type": ZScoreNormalization}
data = WellDataset(path=sys.argv[1], well_split_name="train", n_steps_input=2, n_steps_output=1, **normalised)
assert len(data) == int(sys.argv[2]), len(data)
assert all(torch.isfinite(values).all() for sample in data for values in sample.values() if values.is_floating_point())
"""


def well_opens(folder: Path, python: Path) -> bool | None:
    """Whether The Well's loader opens, normalises and iterates a dataset; nothing where the loader is missing."""
    if subprocess.run([python, "-c", "import the_well"], capture_output=True).returncode:
        return None
    case = Case((16, 24), num_files=2, num_snapshots=5, length=3, batch_size=1, num_batches=1)
    for number in range(case.num_files):
        write_ours(folder / f"data/train/trajectory_{number:05d}.h5", case.header, case.fields())
    finish_dataset(folder)
    num_windows = case.num_files * (case.num_snapshots - case.length + 1)
    opened = subprocess.run([python, "-c", WELL, folder, str(num_windows)], capture_output=True, text=True)
    print(opened.stderr, file=sys.stderr)
    return opened.returncode == 0


def main(quick: bool = False, well_python: Path = Path(sys.executable)) -> None:
    """Measure, print and store.

    Args:
        quick: Small and few files; prints without storing.
        well_python: Interpreter that has `the_well`.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = {name: throughput(case, folder / name) for name, case in (QUICK_CASES if quick else CASES).items()}
        jobs = overhead(folder, num_jobs=200 if quick else 1000, num_scenes=1 if quick else 3)
        opened = well_opens(folder / "well", well_python)
    result = {
        "write_over_h5py": min(case["write_over_h5py"] for case in cases.values()),
        "read_over_h5py": min(case["read_over_h5py"] for case in cases.values()),
        "samples_per_second": cases["plane"]["samples_per_second"],
        "engine_overhead_fraction": jobs.pop("engine_overhead_fraction"),
        "the_well_opened": opened,
        "cases": cases,
        "jobs": jobs,
        **provenance("h5py", "grain"),
    }
    publish(result, "dataset_io", store=not quick)


if __name__ == "__main__":
    tyro.cli(main)
