"""The rule by which one contender of the transcranial experiment is better than another."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "experiments"
METRICS = ("relative_l2", "peak_error_grid", "focal_error")


@pytest.fixture
def rules(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import transcranial_claims

    return transcranial_claims


def scenes(*values):
    return [dict.fromkeys(METRICS, value) for value in values]


def test_differences_are_taken_scene_by_scene(rules):
    """Hard and easy scenes lie far apart, the differences 0.1, 0.2 and 0.3 do not: 0.2 with 0.1 / sqrt(3)."""
    verdict = rules.lower(scenes(1.0, 5.0, 9.0), scenes(1.1, 5.2, 9.3), "focal_error", unit=10.0)
    assert verdict["gain"] == pytest.approx(2.0)
    assert verdict["standard_error"] == pytest.approx(1.0 / 3**0.5)
    assert verdict["holds"]
    assert not rules.lower(scenes(1.1, 5.2, 9.3), scenes(1.0, 5.0, 9.0), "focal_error")["holds"]


def test_noise_one_scene_and_equals_are_no_gain(rules):
    assert not rules.lower(scenes(0.0, 1.0, 0.0), scenes(1.0, 0.0, 0.5), "relative_l2")["holds"]
    assert not rules.lower(scenes(0.1), scenes(0.9), "relative_l2")["holds"]
    assert not rules.lower(scenes(0.1, 0.2), scenes(0.1, 0.2), "relative_l2")["holds"]


def test_claims_of_what_was_trained(rules):
    errors = {"DeepTFUS": scenes(0.1, 0.2, 0.3), "FNO": scenes(0.2, 0.3, 0.41), "soft peak": scenes(0.1, 0.2, 0.3)}
    verdicts = rules.claims(errors, {"k-Wave": 4.0, "surrogate": 8.0})
    assert {name: verdict["holds"] for name, verdict in verdicts.items()} == {
        "better than FNO": True,
        "faster than k-Wave": False,
    }
    assert not rules.remedies(errors)["soft peak"]["holds"]
