"""A network inside of a solver's loop: what it adds, and the gradient that reaches it through the solver."""

import jax
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np
import pytest
from compiled import compiled

from fieldcast.simulators.fixed_steps import FixedSteps
from fieldcast.simulators.flows.navier_stokes_2d import NavierStokes2D
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.surrogates.corrected_stepper import CorrectedStepper, InTheLoop
from fieldcast.surrogates.losses import MeanSquaredError
from fieldcast.surrogates.training.objectives import Unrolled

pytestmark = pytest.mark.usefixtures("x64")


@pytest.fixture
def solver():
    flow = NavierStokes2D(PeriodicBox((8, 8), (2.0 * np.pi,) * 2), viscosity=0.05, dt=0.1)
    return FixedSteps(flow, 2)


@pytest.fixture
def frames(solver):
    """A random flow and what the solver makes of it."""
    state = solver.encode(jnp.asarray(np.random.default_rng(0).normal(size=(1, 8, 8))))
    states, step = [state], compiled(solver)
    for _ in range(3):
        states.append(step(states[-1]))
    return jnp.stack([solver.decode(state) for state in states])


def test_a_correction_of_nothing_is_the_solver(solver, frames):
    corrected = CorrectedStepper(solver, jnp.zeros_like)
    assert corrected.dt == pytest.approx(0.2)
    state = corrected.start(frames[:1])
    np.testing.assert_allclose(corrected.decode(corrected(state)), frames[1], atol=1e-13)
    objective = InTheLoop(solver, Unrolled(MeanSquaredError(), 3))
    loss = compiled(lambda frames: objective(jnp.zeros_like, frames, jrandom.key(0)))
    assert float(loss(frames)) < 1e-24


def test_the_gradient_through_the_solver_is_that_of_differences(solver, frames):
    """Three corrected steps: the first correction is felt through two further steps of the solver."""

    def value_and_gradient(unrolled):
        objective = InTheLoop(solver, unrolled)
        loss = compiled(jax.value_and_grad(lambda factor: objective(lambda u: factor * u**2, frames, jrandom.key(0))))
        return lambda factor: tuple(map(float, loss(jnp.asarray(factor))))

    three = value_and_gradient(Unrolled(MeanSquaredError(), 3, levels=1))
    _, exact = three(0.03)
    difference = (three(0.03 + 1e-6)[0] - three(0.03 - 1e-6)[0]) / 2e-6
    assert exact == pytest.approx(difference, rel=1e-6)
    _, alone = value_and_gradient(Unrolled(MeanSquaredError()))(0.03)
    assert abs(alone - exact) > 0.1 * abs(exact)
