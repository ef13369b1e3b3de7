"""The same FNO here and in PyTorch's `neuraloperator`: equal weights, equal answers, then a race in turns."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from operator_cost import Training, apply, timed

from fieldcast.surrogates.operators import FNO

PEER = Path(__file__).with_name("torch_fno.py")
SETTINGS = {"modes": 16, "width": 32, "hidden_width": 256, "num_layers": 4, "points": 64, "batch": 8}
ROUNDS = 15
QUICK_ROUNDS = 5


def race(torch_python: str, quick: bool) -> dict[str, object] | None:
    """Milliseconds of applying and of training both, medians of blocks in turn; `None` where PyTorch is missing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.npz"
        settings = json.dumps(SETTINGS | {"threads": num_threads()})
        command = [torch_python, "-W", "ignore", str(PEER), settings, str(file)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
            version = peer.stdout.readline().strip()
            if not version:
                return None
            with np.load(file) as weights:
                return {"torch": version} | _race(peer, weights, QUICK_ROUNDS if quick else ROUNDS)


def num_threads() -> int:
    """As many as the processors that this process may use: JAX uses them all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _race(peer: subprocess.Popen, weights: Mapping[str, np.ndarray], rounds: int) -> dict[str, object]:
    arrays, static = eqx.partition(with_weights(weights), eqx.is_array)
    u, expected = jnp.asarray(weights["input"]), weights["output"]
    forward = jax.jit(lambda arrays, u: apply(static, arrays, u)).lower(arrays, u).compile()
    error = np.linalg.norm(forward(arrays, u) - expected) / np.linalg.norm(expected)
    ours = {"forward": lambda: forward(arrays, u), "train": Training(arrays, static, u, jnp.asarray(1.1 * expected))}
    result = {"settings": SETTINGS, "relative_difference": float(error)}
    for work, run in ours.items():
        times = np.array([(timed(run), _timed_peer(peer, work)) for _ in range(rounds + 2)])[2:]  # two to warm up
        result[f"{work}_ms"], result[f"torch_{work}_ms"] = (round(float(np.median(t)), 1) for t in times.T)
    return result


def _timed_peer(peer: subprocess.Popen, work: str) -> float:
    """Milliseconds of one piece of work in the other process."""
    peer.stdin.write(f"{work}\n")
    peer.stdin.flush()
    return float(peer.stdout.readline())


def with_weights(weights: Mapping[str, np.ndarray]) -> FNO:
    """Our FNO with PyTorch's weights."""
    model = eqx.filter_eval_shape(
        lambda key: FNO(1, 1, (SETTINGS["modes"],) * 2, SETTINGS["width"], key=key), jax.random.key(0)
    )
    network = model.network
    blocks = tuple(_block(block, index, weights) for index, block in enumerate(network.blocks))
    ends = [_perceptron(network.lift, "lifting", weights), _perceptron(network.project, "projection", weights)]
    return eqx.tree_at(lambda m: (m.network.blocks, m.network.lift, m.network.project), model, (blocks, *ends))


def _block(block: eqx.Module, index: int, weights: Mapping[str, np.ndarray]) -> eqx.Module:
    parts = {name: f"fno_blocks.{name}.{index}" for name in ("convs", "fno_skips", "channel_mlp", "channel_mlp_skips")}
    kernel = np.fft.ifftshift(weights[f"{parts['convs']}.weight.tensor"], axes=2).transpose(2, 3, 0, 1)
    arrays = (
        np.stack([kernel.real, kernel.imag]),
        weights[f"{parts['convs']}.bias"].ravel(),
        weights[f"{parts['fno_skips']}.conv.weight"][..., 0],
        weights[f"{parts['channel_mlp_skips']}.weight"].ravel(),
    )
    block = eqx.tree_at(
        lambda b: (b.spectral.weight, b.spectral.bias, b.matrix.weight, b.gate), block, tuple(map(jnp.asarray, arrays))
    )
    return eqx.tree_at(lambda b: b.perceptron, block, _perceptron(block.perceptron, parts["channel_mlp"], weights))


def _perceptron(layer: eqx.Module, name: str, weights: Mapping[str, np.ndarray]) -> eqx.Module:
    arrays = [
        jnp.asarray(weights[f"{name}.fcs.{index}.{part}"].reshape(shape.shape))
        for index, linear in enumerate((layer.first, layer.second))
        for part, shape in (("weight", linear.weight), ("bias", linear.bias))
    ]
    return eqx.tree_at(lambda p: (p.first.weight, p.first.bias, p.second.weight, p.second.bias), layer, arrays)
