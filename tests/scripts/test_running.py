"""How samples are made: the options choose who makes them, and what came of it is said."""

import pytest
from toy_plan import ToyPlan

from fieldcast.datasets.engine import DaskCluster, InProcess, LocalProcesses, SlurmCluster, SlurmRequest, load_plan
from fieldcast.scripts.running import Running


def test_the_options_choose_the_executor():
    slurm = SlurmRequest(jobs=3)
    assert isinstance(Running().executor, InProcess)
    assert Running(workers=2, timeout=3.0).executor == LocalProcesses(2, 3.0)
    assert Running(timeout=3.0).executor == LocalProcesses(1, 3.0)
    assert Running(scheduler="tcp://a:1").executor == DaskCluster("tcp://a:1")
    assert Running(slurm=slurm, timeout=3.0).executor == SlurmCluster(slurm, 3.0)
    with pytest.raises(ValueError, match="at least one worker"):
        _ = Running(workers=0).executor


def test_a_script_is_written_and_nothing_simulated(tmp_path, capsys):
    root, script = tmp_path / "data", tmp_path / "job.sh"
    with pytest.raises(ValueError, match="at least one job"):
        Running(sbatch=script).run(ToyPlan(), root)
    assert not root.exists()
    Running(sbatch=script, slurm=SlurmRequest(jobs=4), timeout=5.0, retry_failed=True).run(ToyPlan(), root)
    assert f"sbatch {script}" in capsys.readouterr().out
    assert "--array=1-4\n" in script.read_text()
    assert f'work --root {root} --timeout=5 --retry-failed --share "$SLURM_ARRAY_TASK_ID/4"\n' in script.read_text()
    assert load_plan(root) == ToyPlan()
    assert (root / "logs").is_dir()  # where SLURM will write
    assert not list(root.rglob("*.h5"))


def test_what_came_of_it_is_said(tmp_path, capsys):
    moody = ToyPlan(num_samples=4, moods={"1": "fails"})
    for made, found in ((3, 0), (0, 3), (0, 3)):
        with pytest.raises(ValueError, match=r"toys failed; the first says: RuntimeError: not in the mood\. All"):
            Running().run(moody, tmp_path)
        said = capsys.readouterr().out
        assert f"{made} toys simulated" in said
        assert f"{found} were there already" in said
    Running().run(moody, tmp_path)
    assert "left alone, after 3 failed attempts: 1 (the last reason of 1: Runtime" in capsys.readouterr().out
    assert not (tmp_path / "manifest.json").exists()
    Running(retry_failed=True).run(ToyPlan(num_samples=4), tmp_path)
    assert "complete; manifest.json lists" in capsys.readouterr().out
    assert (tmp_path / "manifest.json").exists()
    assert (tmp_path / "stats.yaml").exists()
