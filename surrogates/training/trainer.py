"""The training loop that all models share: compiled steps, validation, checkpoints, resume to the bit."""

import json
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree
from tqdm import tqdm

from fieldcast.datasets.batches import Batches
from fieldcast.surrogates.checkpoint import CheckpointError
from fieldcast.surrogates.training.checkpoints import CheckpointStore
from fieldcast.surrogates.training.metrics_log import MetricsLog
from fieldcast.surrogates.training.placement import Placement
from fieldcast.surrogates.training.recipe import TrainingRecipe
from fieldcast.surrogates.training.step import Objective, Setting, TrainingState, training_step


class DivergedError(ArithmeticError):
    """The loss, or the error on the validation data, is no longer a finite number."""


@dataclass
class Progress:
    """How far a training has come.

    - `step`: steps taken.
    - `best_step`, `best_error`: where the first of the validation errors was least.
    - `seconds`: spent in steps, compilation included, all sessions together.
    """

    step: int = 0
    best_step: int = 0
    best_error: float = math.inf
    seconds: float = 0.0


def fit(
    model: PyTree,
    objective: Objective,
    batches: Batches,
    validate: Callable[[PyTree], dict[str, float]],
    recipe: TrainingRecipe,
    folder: Path,
    *,
    on_improvement: Callable[[PyTree], None] = lambda model: None,
    placement: Placement = Placement(),
    tensorboard: bool = False,
) -> PyTree:
    """Train `model` and return it with the weights of the least validation error.

    The folder of the run receives `metrics.jsonl` (a line a validation) and `checkpoints/` (the latest state and the
    best). Where there are checkpoints already, training goes on from the latest and ends, on the same machine, with
    the same weights as an undisturbed run, to the bit.

    **Arguments:**

    - `model`: any pytree; its floating-point arrays are trained.
    - `objective`: `objective(model, sample, key)`, what is to become small for one sample.
    - `batches`: where samples come from; `batches.from_step(n)` begins with the batch of step `n`.
    - `validate`: errors of a model by name; the first decides which weights are best.
    - `recipe`, `folder`.
    - `on_improvement`: called with the model whenever that error falls, to release it; on the first host alone.
    - `placement`: on which devices.
    - `tensorboard`: whether event files are written too.

    **Raises:** `DivergedError` when the loss or an error is not finite: the checkpoints are then those of the last
    validation before. `ValueError` when the folder holds a run of another recipe. `CheckpointError` when its latest
    checkpoint, or its best, is damaged.
    """
    placement.check(recipe.batch_size, recipe.num_micro_batches)
    folder, store = Path(folder), CheckpointStore(Path(folder) / "checkpoints")
    folder.mkdir(parents=True, exist_ok=True)
    state, progress = TrainingState.start(model, recipe), Progress()
    if store.steps():
        state, progress = _resumed(store, state, recipe, placement)
    state = placement.place(state) if progress.step == 0 else state
    stream, setting = batches.from_step(progress.step), Setting(objective, recipe, placement)
    with (
        closing(MetricsLog(folder, progress.step, tensorboard)) as log,
        tqdm(total=recipe.num_steps, initial=progress.step, desc=f"train {folder.name}", unit="step") as bar,
    ):
        while progress.step < recipe.num_steps:
            last = min(_next_multiple(progress.step, recipe.validate_every), recipe.num_steps)
            start = time.perf_counter()
            state, loss = _run_steps(setting, state, stream, range(progress.step, last), bar)
            progress.seconds += time.perf_counter() - start
            released = placement.whole(state.released)
            errors = _checked(validate(released), last)
            progress.step, error = last, next(iter(errors.values()))
            if error < progress.best_error:
                progress.best_error, progress.best_step = error, last
                if jax.process_index() == 0:
                    on_improvement(released)
            log.write(last, {"loss": loss, **errors, "seconds": round(progress.seconds, 3)})
            bar.set_postfix(loss=f"{loss:.3g}", error=f"{error:.3g}", best=f"{progress.best_error:.3g}")
            store.save(last, state, {"progress": asdict(progress), "recipe": _comparable(recipe)})
            store.keep(last, progress.best_step)
    return placement.whole(store.restore(progress.best_step, state, placement).released)


def _resumed(
    store: CheckpointStore, like: TrainingState, recipe: TrainingRecipe, placement: Placement
) -> tuple[TrainingState, Progress]:
    latest = store.steps()[-1]
    about = store.about(latest)
    if about["recipe"] != _comparable(recipe):
        raise ValueError(
            f"{store.folder.parent} was trained by another recipe ({about['recipe']}) than asked for "
            f"({_comparable(recipe)}); choose another run folder, or delete this one."
        )
    state, progress = store.restore(latest, like, placement), Progress(**about["progress"])
    if not store.is_whole(progress.best_step):
        raise CheckpointError(
            f"The best state in {store.folder}, that of step {progress.best_step}, is damaged or missing, and training "
            "could end without anything better: delete the run's folder and train again."
        )
    return state, progress


def _comparable(recipe: TrainingRecipe) -> dict[str, Any]:
    """A recipe as JSON gives it back."""
    return json.loads(json.dumps(asdict(recipe) | {"schedule": repr(recipe.schedule)}))


def _run_steps(
    setting: Setting, state: TrainingState, stream: Iterator[PyTree[np.ndarray]], steps: range, bar: tqdm
) -> tuple[TrainingState, float]:
    """The state after `steps`, and their mean loss."""
    losses: list[float] = []
    pending: deque[jax.Array] = deque()

    def settle() -> None:
        losses.append(float(pending.popleft()))
        if not math.isfinite(losses[-1]):
            raise DivergedError(
                f"The loss became {losses[-1]} at step {steps[len(losses) - 1]}; lower the learning rate, or look for "
                "bad samples. The last good state is kept in the run's folder."
            )

    for step in steps:
        batch = setting.placement.spread(next(stream))
        state, loss = training_step((setting, batch, jnp.asarray(step)), state)
        pending.append(loss)
        # One step behind, so that the device has the next one to work on while this one is looked at.
        if len(pending) > 1:
            settle()
        bar.update()
    settle()
    return state, float(np.mean(losses))


def _checked(errors: dict[str, float], step: int) -> dict[str, float]:
    bad = {name: value for name, value in errors.items() if not math.isfinite(value)}
    if bad:
        raise DivergedError(
            f"Validation after step {step} gave {bad}; the last good state is kept in the run's folder."
        )
    return errors


def _next_multiple(step: int, period: int) -> int:
    return (step // period + 1) * period
