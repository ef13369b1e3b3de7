"""Which accelerator a worker uses."""

import os
import shutil
import subprocess


def visible_devices() -> tuple[str, ...]:
    """The NVIDIA devices that this process may use, as CUDA names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        query = shutil.which("nvidia-smi")
        command = [query, "--query-gpu=index", "--format=csv,noheader"]
        # Without a driver the query fails, and there are none.
        named = subprocess.run(command, capture_output=True, text=True).stdout.replace("\n", ",") if query else ""
    return tuple(name.strip() for name in named.split(",") if name.strip())


def worker_environment(rank: int, num_workers: int, devices: tuple[str, ...]) -> dict[str, str]:
    """What a worker of this rank (from 0) must find in its environment before it starts JAX.

    Worker and device go round in turns. Where several workers share a device, each may take its part of the memory;
    JAX alone would take three quarters at once.
    """
    if not devices:
        return {}
    environment = {"CUDA_VISIBLE_DEVICES": devices[rank % len(devices)]}
    sharers = -(-num_workers // len(devices))
    if sharers > 1:
        environment["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{0.9 / sharers:.2f}"
    return environment
