"""The engine: nothing is lost, nothing is half-written, nothing hangs; what fails is written down."""

import asyncio
import dataclasses
import json
import multiprocessing
import signal
import time

import h5py
import numpy as np
import pytest
from scenes import tree_of
from toy_plan import ToyPlan

from fieldcast.datasets.engine import (
    DaskCluster,
    InProcess,
    LocalProcesses,
    Share,
    carry_out,
    read_failures,
    sample_path,
)
from fieldcast.datasets.engine.devices import visible_devices, worker_environment
from fieldcast.datasets.trajectory_file import read_trajectory

NUM_KILLS = 25


def path_of(root, plan, index):
    return sample_path(root, plan.split(index), plan.sample_name, index)


def forkserver():
    """Starts processes that need not import the library again."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fieldcast.datasets"])
    return context


def test_killed_at_random_moments_and_resumed_equals_undisturbed(tmp_path):
    """By SIGKILL; after each, whatever has a name is whole, and the same bytes as in a run that nothing disturbed."""
    assert carry_out(ToyPlan(num_samples=60), tmp_path / "undisturbed").complete
    expected, killed = tree_of(tmp_path / "undisturbed" / "data"), tmp_path / "killed"
    plan = ToyPlan(num_samples=60, pause=0.03)
    for moment in np.random.default_rng(0).uniform(0.01, 0.15, NUM_KILLS):
        process = forkserver().Process(target=carry_out, args=(plan, killed))
        process.start()
        time.sleep(moment)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL  # it had not come to its end
        published = {name: data for name, data in tree_of(killed / "data").items() if not name.endswith(".tmp")}
        assert published.items() <= expected.items()
    report = carry_out(plan, killed)
    assert report.complete
    assert 0 < report.found < 60
    assert tree_of(killed / "data") == expected  # no orphans either


def test_what_is_truncated_is_made_again(tmp_path):
    """Found without reading the fields, wherever the file ends."""
    plan = ToyPlan(num_samples=1)
    carry_out(plan, tmp_path)
    path = path_of(tmp_path, plan, 0)
    whole = path.read_bytes()
    for length in [0, len(whole) - 1, *np.random.default_rng(0).integers(len(whole), size=20)]:
        path.write_bytes(whole[:length])
        report = carry_out(plan, tmp_path)
        assert (report.written, report.found) == (1, 0)
        assert path.read_bytes() == whole


def test_workers_that_hang_or_die_or_fail_are_replaced_and_the_rest_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-7")
    plan = ToyPlan(num_samples=10, pause=0.02, moods={"1": "fails", "2": "hangs", "3": "exits", "4": "killed once"})
    start = time.monotonic()
    report = carry_out(plan, tmp_path, LocalProcesses(2, timeout=0.7))
    assert time.monotonic() - start < 60.0
    assert (report.written, report.complete) == (6, False)
    reasons = {
        1: "RuntimeError: not in the mood",
        2: "TimeoutError: not done after 0.7 s",
        3: "its process died (exit code 7)",
        4: "its process died (killed by SIGKILL; out of memory?)",
    }
    assert report.failures == reasons
    assert {index: failure.reasons for index, failure in read_failures(tmp_path).items()} == {
        index: (reason,) for index, reason in reasons.items()
    }
    assert not list(tmp_path.rglob(".*.tmp"))
    assert multiprocessing.active_children() == []
    devices = {read_trajectory(path).provenance["device"] for path in tmp_path.rglob("*.h5")}
    assert {"4"} <= devices <= {"4", "GPU-7"}  # each worker sees one of them

    again = carry_out(dataclasses.replace(plan, moods={}), tmp_path, InProcess())
    assert (again.written, again.found, again.complete) == (4, 6, True)
    assert read_failures(tmp_path) == {}


def dask_worker(address, folder):
    import distributed

    async def serve():
        async with distributed.Worker(address, nthreads=1, local_directory=folder) as worker:
            await worker.finished()

    asyncio.run(serve())


def contents(root):
    """Fields and digest of all that is described, by file."""
    found = {}
    for path in sorted((root / "data").rglob("*.h5")):
        with h5py.File(path) as file:
            found[path.name] = file.attrs["digest"], read_trajectory(path).fields.tobytes()
    return found


def test_a_dask_worker_killed_within_a_task_loses_nothing(tmp_path):
    distributed = pytest.importorskip("distributed")
    plan = ToyPlan(num_samples=8, pause=0.02, moods={"2": "killed once", "5": "fails"})
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    with distributed.LocalCluster(n_workers=0, processes=False, protocol="tcp://", dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        workers = [forkserver().Process(target=dask_worker, args=(address, str(tmp_path))) for _ in range(2)]
        for worker in workers:
            worker.start()
        try:
            report = carry_out(plan, killed, DaskCluster(address))
            assert sorted(worker.is_alive() for worker in workers) == [False, True]
        finally:
            for worker in workers:
                worker.kill()
                worker.join()
    assert report.failures == {5: "RuntimeError: not in the mood"}
    assert (report.written, report.complete) == (7, False)
    assert len(list(killed.rglob(".toy_00002*.tmp"))) == 1  # of the worker that was killed
    assert carry_out(ToyPlan(num_samples=8), killed).complete
    assert carry_out(ToyPlan(num_samples=8), undisturbed).complete
    # Fields and digests, not bytes: HDF5 may lay out a process's first file otherwise than its later ones.
    assert contents(killed) == contents(undisturbed)


def test_what_fails_three_times_is_left_alone_until_asked_for(tmp_path):
    plan = ToyPlan(num_samples=3, moods={"1": "fails"})
    for attempt in range(1, 4):
        report = carry_out(plan, tmp_path)
        assert set(report.failures) == {1}
        assert len(read_failures(tmp_path)[1].reasons) == attempt
    # One that another worker mends, and forgets, while the folder is read.
    (tmp_path / "failures" / "toy_00009.json").symlink_to("gone")
    healed = dataclasses.replace(plan, moods={})
    left = carry_out(healed, tmp_path)
    assert (left.written, left.found, left.failures, left.complete) == (0, 2, {}, False)
    assert left.quarantined[1].reasons == ("RuntimeError: not in the mood",) * 3
    asked = carry_out(healed, tmp_path, retry_failed=True)
    assert (asked.written, asked.quarantined, asked.complete) == (1, {}, True)
    assert not (tmp_path / "failures" / "toy_00001.json").exists()


def test_an_interrupt_stops_the_workers_and_no_other_process(tmp_path):
    other = forkserver().Process(target=time.sleep, args=(60.0,))
    other.start()
    try:
        plan = ToyPlan(num_samples=4, moods={"0": "hangs"})
        with pytest.raises(KeyboardInterrupt):
            carry_out(plan, tmp_path, Interrupted())
        assert multiprocessing.active_children() == [other]
        assert not list(tmp_path.rglob(".*.tmp"))
        assert not path_of(tmp_path, plan, 0).exists()
    finally:
        other.kill()
        other.join()


@dataclasses.dataclass(frozen=True)
class Interrupted(LocalProcesses):
    """Ctrl-C comes while a job hangs and others are done."""

    num_workers: int = 2

    def run(self, job, indices):
        for index, _ in (ended := super().run(job, indices)):
            if index == 3:
                ended.close()
                raise KeyboardInterrupt


def test_shares_are_disjoint_and_together_everything(tmp_path):
    shares = [Share.parse(f"{number}/3").indices(10) for number in range(1, 4)]
    assert sorted(index for share in shares for index in share) == list(range(10))
    plan = ToyPlan(num_samples=5)
    first = carry_out(plan, tmp_path, share=Share(1, 2))
    assert (first.written, first.found, first.complete) == (3, 0, False)
    second = carry_out(plan, tmp_path, share=Share(2, 2))
    assert (second.written, second.found, second.complete) == (2, 0, True)
    for wrong in ("0/3", "4/3", "3", "a/b", "-1/2"):
        with pytest.raises(ValueError, match="A share is"):
            Share.parse(wrong)


def test_gpus_go_round_and_are_shared():
    assert worker_environment(0, 4, ()) == {}
    devices = [worker_environment(rank, 3, ("0", "1")) for rank in range(3)]
    assert [environment["CUDA_VISIBLE_DEVICES"] for environment in devices] == ["0", "1", "0"]
    assert {environment["XLA_PYTHON_CLIENT_MEM_FRACTION"] for environment in devices} == {"0.45"}
    assert worker_environment(1, 2, ("0", "1")) == {"CUDA_VISIBLE_DEVICES": "1"}


def test_gpus_are_those_that_are_named_or_found(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_devices() == ()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    query = tmp_path / "nvidia-smi"
    query.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    query.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    query.rename(tmp_path / "other")
    assert visible_devices() == ()
    (tmp_path / "other").rename(query)
    assert visible_devices() == ("0", "1")


def test_the_plan_on_disk_grows_and_is_never_another(tmp_path):
    carry_out(ToyPlan(num_samples=2), tmp_path)
    carry_out(ToyPlan(num_samples=5), tmp_path)
    carry_out(ToyPlan(num_samples=1), tmp_path)
    plan = json.loads((tmp_path / "recipe.json").read_text())
    assert (plan["num_samples"], plan["splits"]) == (5, {"train": 3, "valid": 1, "test": 1})
    with pytest.raises(ValueError, match="another recipe"):
        carry_out(ToyPlan(seed=1), tmp_path)
