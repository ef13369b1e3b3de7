"""Array jobs: the script that SLURM would run, run by bash."""

import re
import shlex
import subprocess

import pytest
from toy_plan import ToyPlan

from fieldcast.datasets.engine import SlurmRequest, array_script
from fieldcast.datasets.engine.plan_file import save_plan
from fieldcast.scripts.work import work


def test_array_jobs_do_their_shares(tmp_path, monkeypatch):
    """The script as bash runs it, one element in place of SLURM's; the other by the same command in this process."""
    root = tmp_path / "a dataset"
    save_plan(root, ToyPlan(num_samples=5))
    script = array_script(
        root, SlurmRequest(jobs=2, time="00:10:00", gpus=1, partition="short", cpus=3), ("--retry-failed",)
    )
    directives = re.findall("^#SBATCH (.*)$", script, re.MULTILINE)
    expected = {"--array=1-2", "--time=00:10:00", "--gres=gpu:1", "--partition=short", "--cpus-per-task=3", "--mem=4G"}
    assert expected <= set(directives)
    # SLURM splits a line into options as a shell would, so that blanks need quotes.
    assert [f"--output={root}/logs/%A_%a.log"] in map(shlex.split, directives)
    environment = {"SLURM_ARRAY_TASK_ID": "2", "PYTHONPATH": "tests", "JAX_PLATFORMS": "cpu"}
    subprocess.run(["bash", "-c", script], check=True, env=environment, capture_output=True)
    assert sorted(path.name for path in root.rglob("*.h5")) == ["toy_00001.h5", "toy_00003.h5"]
    work(root, "1/2")
    assert sorted(path.name for path in root.rglob("*.h5")) == [f"toy_{index:05d}.h5" for index in range(5)]
    assert (root / "manifest.json").exists()
    with pytest.raises(ValueError, match="at least one job"):
        array_script(root, SlurmRequest())
