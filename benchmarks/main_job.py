"""The main job, as one JSON line: k-Wave -> HDF5 -> DeepTFUS -> a pressure field.

python benchmarks/main_job.py --quick     a smaller setting, under three minutes on two cores
python benchmarks/main_job.py             the setting of `fieldcast demo`
"""

import contextlib
import json
import sys
import tempfile
from pathlib import Path

import tyro

from fieldcast.scripts.demo import QUICK, MainJob, run_main_job


def main(quick: bool = False, workers: int = 2) -> None:
    """Run the main job in a folder of its own and print its numbers as one JSON line.

    Args:
        quick: A smaller setting.
        workers: Processes that simulate side by side.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        numbers, _ = run_main_job(QUICK if quick else MainJob(), Path(folder), workers)
    print(json.dumps(numbers))


if __name__ == "__main__":
    tyro.cli(main)
