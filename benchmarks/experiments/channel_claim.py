"""When the claim about the turbulent channel holds."""

from collections.abc import Collection, Mapping, Sequence

BAR = {"mean": 0.0039, "u_rms": 0.0375, "v_rms": 0.097, "w_rms": 0.065}
"""Relative L2 errors of profiles of IUFNO, of the same group on the same data: the published statistics of its rollouts
against those of the filtered direct simulation (Y. Wang et al., arXiv:2403.03051)."""

CONTENDER = "IFactFormer-m"


def limits(noise: Mapping[str, float]) -> dict[str, float]:
    """What counts as accurate: the published errors, or the sampling error of our data where that is larger."""
    return {name: max(bar, noise[name]) for name, bar in BAR.items()}


def judged(
    training: str,
    errors: Mapping[str, Mapping[str, Mapping[str, float]]],
    blow_ups: Mapping[str, Sequence[int | None]],
    seconds: Mapping[str, float],
    within: Mapping[str, float],
    closures: Collection[str],
) -> dict[str, bool]:
    """The four parts of the claim, for the operators that were trained in one way.

    - `stable`: no rollout of IFactFormer-m blew up, with any seed.
    - `accurate`: the mean over its seeds of each profile's error is within its limit.
    - `others_fail`: each of the others blew up with some seed, or is beyond some limit.
    - `faster_than_les`: it takes less time an interval than a large-eddy simulation with any of the `closures`.
    """
    operators = [label.removesuffix(f", {training}") for label in errors if label.endswith(f", {training}")]

    def stable(name: str) -> bool:
        return all(step is None for step in blow_ups[f"{name}, {training}"])

    def accurate(name: str) -> bool:
        found = errors[f"{name}, {training}"]
        return all(found[profile]["mean"] <= limit for profile, limit in within.items())

    others = [name for name in operators if name != CONTENDER]
    return {
        "stable": stable(CONTENDER),
        "accurate": accurate(CONTENDER),
        "others_fail": not any(stable(name) and accurate(name) for name in others),
        "faster_than_les": seconds[f"{CONTENDER}, an interval"]
        < min(seconds[f"{closure}, an interval"] for closure in closures),
    }
