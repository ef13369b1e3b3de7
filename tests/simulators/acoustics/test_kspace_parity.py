"""The k-space scheme equals k-Wave to round-off: one named case for every feature and their combinations."""

import dataclasses

import equinox as eqx
import numpy as np
import pytest
from kspace_parity_cases import CASES, TOLERANCE, kwave_answer, our_answer, our_problem, parity_error
from scenes import relative_l2

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_equals_kwave(name, dtype):
    assert parity_error(CASES[name], dtype) <= TOLERANCE[dtype]


def test_the_table_is_large_enough():
    assert len(CASES) >= 20


@pytest.mark.parametrize("change", ["sound speed", "B/A", "dispersion", "layer"])
def test_the_table_can_fail(change):
    """Each tolerance is far below what a wrong detail would do."""
    case = CASES["2-D initial pressure, B/A"]
    medium, sources, pressure = our_problem(case, np.float64)
    wrong = {
        "sound speed": lambda: (case, eqx.tree_at(lambda m: m.sound_speed, medium, 1.0001 * medium.sound_speed)),
        "B/A": lambda: (case, eqx.tree_at(lambda m: m.nonlinearity, medium, 1.05 * medium.nonlinearity)),
        "dispersion": lambda: (dataclasses.replace(case, dispersion=False), medium),
        "layer": lambda: (dataclasses.replace(case, layer=4), medium),
    }
    wrong_case, wrong_medium = wrong[change]()
    answer = our_answer(wrong_case, wrong_medium, sources, pressure)
    assert relative_l2(answer, kwave_answer(case)) > 10 * TOLERANCE[np.float32]
