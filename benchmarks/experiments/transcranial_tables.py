"""The tables of the transcranial experiment, as Markdown."""

from fieldcast.scripts.report import markdown_table

PAPER = {"relative_l2": (0.414, 0.086), "focal_mm": (2.89, 2.14), "peak": (0.199, 0.158)}
"""DeepTFUS, arXiv:2505.12998, on 597 test files of TFUScapes: mean and standard deviation."""

REPRODUCTION = {"relative_l2": (0.384, 0.078), "focal_mm": (6.49, 4.58), "peak": (0.225, 0.116)}
"""An open reproduction on the same files."""

_COLUMNS = (
    ("relative L2", "relative_l2", 1.0, 3),
    ("(log)", "relative_l2_log", 1.0, 3),
    ("(brain)", "relative_l2_inside", 1.0, 3),
    ("focus, brain [mm]", "focal_error", 1e3, 2),
    ("focus, grid [mm]", "focal_error_grid", 1e3, 2),
    ("peak, brain", "peak_error", 1.0, 3),
    ("peak, grid", "peak_error_grid", 1.0, 3),
    ("-6 dB Dice", "dice", 1.0, 3),
)


def tables(result: dict) -> str:
    """Errors, what brought the focal error down, claims, and times."""
    return "\n\n".join([_errors(result), _remedies(result), _claims(result), _times(result)])


def _errors(result: dict) -> str:
    rows = []
    for name, errors in result["errors"].items():
        spread = result["scene_spread"][name]
        cells = [_cell(scale * errors[key], scale * spread[key], digits) for _, key, scale, digits in _COLUMNS]
        seeds = sum(run.rpartition(", seed ")[0] == name for run in result["training_seconds"])
        rows.append([name, str(result["parameters"].get(name, "")), str(seeds or ""), *cells])
    for name, numbers in (("paper, other data", PAPER), ("reproduction, other data", REPRODUCTION)):
        cells = ["", _cell(*numbers["relative_l2"], 3), "", "", _cell(*numbers["focal_mm"], 2), ""]
        rows.append([name, "", "", *cells, _cell(*numbers["peak"], 3), ""])
    return markdown_table(["", "parameters", "seeds", *(title for title, *_ in _COLUMNS)], rows)


def _remedies(result: dict) -> str:
    rows = [
        [name, r["added_to"], _cell(r["gain"], r["standard_error"], 2), "yes" if r["holds"] else "no"]
        for name, r in result["remedies"].items()
    ]
    return markdown_table(["remedy", "added to", "focal error falls by [mm]", "worked"], rows)


def _claims(result: dict) -> str:
    rows = []
    for name, claim in result["claims"].items():
        gain = f"{claim['ratio']:.0f} x" if "ratio" in claim else _cell(claim["gain"], claim["standard_error"], 3)
        rows.append([name, gain, "yes" if claim["holds"] else "no"])
    return markdown_table(["DeepTFUS is", "by", "holds"], rows)


def _times(result: dict) -> str:
    rows = []
    for name, seconds in result["seconds"].items():
        errors = result["solver_errors"].get(name)
        apart = f"{errors['relative_l2']:.3f}" if errors else ""
        rows.append([name, f"{seconds:.3g}", apart])
    return markdown_table(["", "seconds a field", "relative L2 to the truth"], rows)


def _cell(mean: float | None, spread: float | None, digits: int) -> str:
    return "" if mean is None or spread is None else f"{mean:.{digits}f} ± {spread:.{digits}f}"
