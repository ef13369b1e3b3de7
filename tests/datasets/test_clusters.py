"""Clusters: Dask workers that are killed, and array jobs of SLURM, of which only the scripts are run here."""

import re
import subprocess

import pytest
from scenes import tree_of
from toy_plan import ToyPlan

from fieldcast.datasets.engine import DaskCluster, SlurmRequest, array_script, carry_out
from fieldcast.datasets.engine.plan_file import save_plan
from fieldcast.scripts.work import work


def test_a_dask_worker_killed_within_a_task_loses_nothing(tmp_path):
    distributed = pytest.importorskip("distributed")
    plan = ToyPlan(num_samples=8, pause=0.02, moods={"2": "killed once", "5": "fails"})
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        report = carry_out(plan, tmp_path / "killed", DaskCluster(cluster.scheduler_address))
    assert (tmp_path / "killed" / "data" / "valid" / "2.tried").exists()
    assert report.failures == {5: "RuntimeError: not in the mood"}
    assert (report.written, report.complete) == (7, False)
    assert len(list((tmp_path / "killed").rglob(".toy_00002*.tmp"))) == 1  # of the worker that was killed
    carry_out(ToyPlan(num_samples=8), tmp_path / "killed")
    carry_out(ToyPlan(num_samples=8), tmp_path / "undisturbed")
    found, expected = tree_of(tmp_path / "killed" / "data"), tree_of(tmp_path / "undisturbed" / "data")
    assert found == expected | {"valid/2.tried": b""}


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
    environment = {"SLURM_ARRAY_TASK_ID": "2", "PYTHONPATH": "tests", "JAX_PLATFORMS": "cpu"}
    subprocess.run(["bash", "-c", script], check=True, env=environment, capture_output=True)
    assert sorted(path.name for path in root.rglob("*.h5")) == ["toy_00001.h5", "toy_00003.h5"]
    work(root, "1/2")
    assert sorted(path.name for path in root.rglob("*.h5")) == [f"toy_{index:05d}.h5" for index in range(5)]
    assert (root / "manifest.json").exists()
    with pytest.raises(ValueError, match="at least one job"):
        array_script(root, SlurmRequest())
