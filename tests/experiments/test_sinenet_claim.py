"""The rules by which the SineNet experiment judges its claims, on numbers made up for them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "experiments"))

from sinenet_claim import falls_with_waves, padding_gap


def measured(one_step: float, rollout: float) -> dict[str, dict[str, float]]:
    return {"one_step": {"mean": one_step}, "rollout": {"mean": rollout}}


MODELS = {
    "SineNet-1": measured(0.2, 0.5),
    "SineNet-2": measured(0.1, 0.4),
    "SineNet-2, zeros": measured(0.1, 0.8),
}


def test_errors_fall_only_if_each_is_below_the_one_before():
    assert falls_with_waves((2, 1), MODELS) == {"one_step": True, "rollout": True}
    worse = MODELS | {"SineNet-2": measured(0.1, 0.6)}
    assert falls_with_waves((1, 2), worse) == {"one_step": True, "rollout": False}


@pytest.mark.parametrize(("rollout", "about_twice"), [(0.4, True), (0.6, False), (0.2, False)])
def test_gap_is_about_two_between_one_and_a_half_and_three(rollout, about_twice):
    gap = padding_gap((2,), MODELS | {"SineNet-2": measured(0.1, rollout)})
    assert gap["rollout"][2] == pytest.approx(0.8 / rollout)
    assert gap["one_step"][2] == pytest.approx(1.0)
    assert gap["about_twice"] is about_twice
