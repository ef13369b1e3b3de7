"""The claim about the turbulent channel, on made-up numbers."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "experiments"))

from channel_claim import BAR, judged, limits

MODELS = ("IFactFormer-m", "FNO")
WITHIN = limits(dict.fromkeys(BAR, 0.05))


def verdict(errors=(0.001, 0.001), blow_ups=((None, None), (90, None)), seconds=(0.01, 0.02)):
    """Of the contender and one other, with two seeds each, beside one large-eddy simulation."""
    labels = [f"{model}, one step" for model in MODELS]
    return judged(
        "one step",
        {
            **{label: {name: {"mean": error} for name in BAR} for label, error in zip(labels, errors, strict=True)},
            "WALE": {name: {"mean": 0.0} for name in BAR},
        },
        {**dict(zip(labels, blow_ups, strict=True)), "WALE": [None]},
        {"IFactFormer-m, an interval": seconds[0], "FNO, an interval": 1.0, "WALE, an interval": seconds[1]},
        WITHIN,
        ("WALE",),
    )


def test_a_limit_is_the_published_error_or_the_sampling_error_of_the_data():
    assert WITHIN == {"mean": 0.05, "u_rms": 0.05, "v_rms": 0.097, "w_rms": 0.065}


def test_the_claim_holds_when_only_the_contender_is_stable_and_accurate_and_it_is_fast():
    assert verdict() == {"stable": True, "accurate": True, "others_fail": True, "faster_than_les": True}


@pytest.mark.parametrize(
    ("numbers", "broken"),
    [
        ({"blow_ups": ((None, 1500), (90, None))}, "stable"),
        ({"errors": (0.06, 0.001)}, "accurate"),
        ({"errors": (float("inf"), 0.001)}, "accurate"),
        ({"blow_ups": ((None, None), (None, None))}, "others_fail"),
        ({"seconds": (0.02, 0.02)}, "faster_than_les"),
    ],
)
def test_each_part_can_fail_alone(numbers, broken):
    assert [part for part, holds in verdict(**numbers).items() if not holds] == [broken]


def test_others_fail_by_errors_as_well_as_by_blow_up():
    assert verdict(errors=(0.001, 0.2), blow_ups=((None, None), (None, None)))["others_fail"]
