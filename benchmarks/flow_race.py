"""A race between solvers that take turns, each in a process of its own.

Processes of their own, because peers ask for settings of JAX that hold for a whole process: precision, a device mesh.
"""

import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from fieldcast.simulators.rollout import rollout
from fieldcast.simulators.stepper import FlowSolver


class Case(NamedTuple):
    """One flow on one grid."""

    num_points: tuple[int, ...]
    dtype: str
    viscosity: float
    dt: float
    num_steps: int
    """In one turn."""


class Contender(NamedTuple):
    """A solver with a start, the same for all of a race."""

    scheme: str
    state: Any
    run: Callable[[Any], Any]
    """From a state to the state `num_steps` later."""
    fields: Callable[[Any], np.ndarray]
    """Of a state, on the same points, in the same order and sign as those of the others."""
    evaluations: Callable[[], float]
    """Of the nonlinear terms, per step."""


def compiled_rollout(solver: FlowSolver, start: np.ndarray, case: Case, scheme: str, evaluations: int) -> Contender:
    """A solver of this library, in a compiled loop over steps."""
    run = eqx.filter_jit(rollout(solver, 1, case.num_steps, record=lambda state: None))
    return Contender(
        scheme,
        solver.encode(jnp.asarray(start)),
        run=lambda state: run(state)[0],
        fields=lambda state: np.asarray(solver.decode(state)),
        evaluations=lambda: evaluations,
    )


class Outcome(NamedTuple):
    """What a race says of a contender."""

    scheme: str
    evaluations: float
    fields: np.ndarray
    seconds: np.ndarray
    """By turn."""


def race(
    case: Case, makers: list[Callable[[Case], Contender]], paths: tuple[str, ...], turns: int
) -> list[Outcome | None]:
    """One outcome by maker, or None where its package is missing. `paths` hold packages that are not installed."""
    runners = [_Runner(maker, case, paths) for maker in makers]
    try:
        for runner in runners:
            runner.wait()
        for _ in range(turns):
            for runner in runners:
                runner.turn()
        return [runner.outcome() for runner in runners]
    finally:
        for runner in runners:
            runner.close()


class _Runner:
    """This side of a contender's process."""

    def __init__(self, maker: Callable[[Case], Contender], case: Case, paths: tuple[str, ...]):
        context = get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_contend, args=(other, maker, case, paths), daemon=True)
        self._process.start()
        other.close()

    def wait(self) -> None:
        self._facts = self._pipe.recv()
        self._seconds = []

    def turn(self) -> None:
        if self._facts is not None:
            self._pipe.send("run")
            self._seconds.append(self._pipe.recv())

    def outcome(self) -> Outcome | None:
        return None if self._facts is None else Outcome(*self._facts, np.array(self._seconds))

    def close(self) -> None:
        self._pipe.close()
        self._process.join()


def _contend(pipe: Connection, maker: Callable[[Case], Contender], case: Case, paths: tuple[str, ...]) -> None:
    """The other side: answers with the facts of an outcome, or None without the package; then runs when told."""
    sys.path.extend(paths)
    jax.config.update("jax_enable_x64", case.dtype == "float64")
    try:
        contender = maker(case)
    except ModuleNotFoundError as missing:
        print(f"{maker.__name__}: no module {missing.name}", flush=True)
        pipe.send(None)
        return
    # Neither of two runs counts: the first compiles.
    fields = contender.fields(jax.block_until_ready(contender.run(contender.state)))
    jax.block_until_ready(contender.run(contender.state))
    pipe.send((contender.scheme, contender.evaluations(), fields))
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        start = time.perf_counter()
        jax.block_until_ready(contender.run(contender.state))
        pipe.send(time.perf_counter() - start)
