"""Tables of errors, as Markdown."""

from collections.abc import Sequence

from fieldcast.surrogates.evaluation import FieldErrors, mean_errors, spread_of_errors

_COLUMNS = (
    ("relative L2", "relative_l2", 1.0, ".3f"),
    ("relative L2 (log)", "relative_l2_log", 1.0, ".3f"),
    ("relative L2 (brain)", "relative_l2_inside", 1.0, ".3f"),
    ("focus [mm]", "focal_error", 1e3, ".2f"),
    ("peak (brain)", "peak_error", 1.0, ".3f"),
    ("peak (grid)", "peak_error_grid", 1.0, ".3f"),
    ("-6 dB Dice", "dice", 1.0, ".3f"),
)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up when read as plain text."""
    widths = [max(len(str(row[i])) for row in (header, *rows)) for i in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def errors_table(errors: dict[str, Sequence[FieldErrors]], seconds: dict[str, float]) -> str:
    """Mean and standard deviation of every error, a solver a row, and the seconds it takes for a field if given."""
    rows = []
    for name, scenes in errors.items():
        mean, spread = mean_errors(scenes), spread_of_errors(scenes)
        cells = [
            f"{factor * getattr(mean, key):{form}} ± {factor * getattr(spread, key):{form}}"
            for _, key, factor, form in _COLUMNS
        ]
        rows.append([name, *cells, *([_duration(seconds[name])] if seconds else [])])
    times = ["time a field"] if seconds else []
    return markdown_table(["", *(title for title, *_ in _COLUMNS), *times], rows)


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1.0 else f"{1e3 * seconds:.0f} ms"
