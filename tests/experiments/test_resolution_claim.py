"""The rules by which the experiment across resolutions judges its claim, on numbers made up for them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "experiments"))

from resolution_claim import ONE, factor, holds, judged


def errors(*means: float) -> dict[int, dict[str, float]]:
    return {n: {"mean": mean} for n, mean in zip((16, 32, 64, 128), means, strict=True)}


HELD, LOST = errors(9.0, 0.1, 0.12, 0.11), errors(0.1, 0.1, 0.3, 0.2)


def test_factor_is_that_of_the_worst_finer_grid():
    assert factor(LOST, 32) == pytest.approx(3.0)
    assert factor(HELD, 32) == pytest.approx(1.2)  # the coarser grid does not count


@pytest.mark.parametrize(
    ("one", "several", "broken"),
    [
        ({"FNO": HELD, "U-Net": LOST}, {"U-Net": HELD}, None),
        ({"FNO": LOST, "U-Net": LOST}, {"U-Net": HELD}, "function_space_holds"),
        ({"FNO": HELD, "U-Net": HELD}, {"U-Net": HELD}, "plain_does_not"),
        ({"FNO": HELD, "U-Net": errors(9.0, 0.1, 0.9, 0.1)}, {"U-Net": LOST}, "several_grids_close"),
        ({"FNO": HELD, "U-Net": LOST, "U-Net, linear in and out": HELD}, {"U-Net": HELD}, None),
    ],
)
def test_every_part_can_break_the_claim(one, several, broken):
    verdicts = judged(one, several, 32)
    assert holds(verdicts) is (broken is None)
    parts = ("function_space_holds", "plain_does_not", "several_grids_close")
    assert [part for part in parts if not verdicts[part]] == ([] if broken is None else [broken])
    assert verdicts["factors"][ONE]["FNO"] == pytest.approx(factor(one["FNO"], 32))
    if broken in (None, "several_grids_close"):
        assert verdicts["several_grids_lower"]
