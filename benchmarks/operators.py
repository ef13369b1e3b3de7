"""What the neural operators cost, at the sizes of their papers, and how that compares with PyTorch.

Of every model: its parameters, milliseconds to apply it to one sample and to train on one (gradient of the relative L2
error and a step of Adam), and the memory that training takes. IFactFormer also without its checkpoints. An FNO of width
32 takes turns with that of PyTorch's `neuraloperator`, where `--torch-python` has it: same weights, same answers.

    python benchmarks/operators.py --quick     small models, about a minute
    python benchmarks/operators.py             on two cores a quarter of an hour
"""

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import fno_race
import jax
import operator_cost
import operator_sizes
import tyro
from report import provenance, publish


def here(function: Callable, *arguments: object) -> object:
    return function(*arguments)


def alone(function: Callable, *arguments: object) -> object:
    """`function(*arguments)` in a process of its own, which leaves no memory behind."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def costs(run: Callable, quick: bool) -> dict[str, dict[str, object]]:
    """`operator_cost.cost` by model, printed as a table."""
    print(
        "| model | grid | parameters | applied [ms] | trained [ms] | training memory [MiB] |\n|---|---|---|---|---|---|"
    )
    table = {}
    for name in operator_sizes.sizes(quick):
        row = table[name] = run(operator_cost.cost, name, quick)
        grid = " x ".join(map(str, row["grid"]))
        values = f"{row['params']:,} | {row['forward_ms']:,} | {row['train_ms']:,} | {row['peak_mib']:,}"
        print(f"| {name} | {grid} | {values} |", flush=True)
    return table


def ratio(race: dict[str, object] | None, work: str) -> float | None:
    """How many times as long PyTorch takes."""
    return race and round(race[f"torch_{work}_ms"] / race[f"{work}_ms"], 2)


def main(quick: bool = False, torch_python: str = sys.executable) -> None:
    """Measure, print and store.

    Args:
        quick: small models and few repeats; prints without storing.
        torch_python: the Python interpreter that has PyTorch and `neuraloperator`.
    """
    run = here if quick else alone
    models = costs(run, quick)
    checkpoints = run(operator_cost.checkpointing, quick)
    race = run(fno_race.race, torch_python, quick)
    on_gpu = jax.default_backend() == "gpu"  # asked at last, because this process takes hold of the device for it
    result = {
        "models": models,
        "peak_mib_is": "largest use of the device" if on_gpu else "what the compiled training step asks for",
        "batch": 1,
        "ifactformer_checkpoints": checkpoints,
        "torch_fno_over_ours_forward": ratio(race, "forward"),
        "torch_fno_over_ours_train": ratio(race, "train"),
        "fno_race": race,
        "device": jax.devices()[0].device_kind,
        "threads": fno_race.num_threads(),
        **provenance("equinox", "optax"),
    }
    publish(result, "operators_gpu" if on_gpu else "operators", store=not quick)


if __name__ == "__main__":
    tyro.cli(main)
