"""A picture of how a training went."""

from pathlib import Path

from fieldcast.surrogates.training.metrics_log import read_metrics


def save_learning_curve(folder: Path) -> Path:
    """Draw loss and validation errors of a run against its steps into `learning_curve.png`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = read_metrics(folder)
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    panel = figure.subplots()
    for name in (name for name in lines[0] if name not in ("step", "seconds")):
        panel.semilogy([line["step"] for line in lines], [line[name] for line in lines], ".-", label=name)
    panel.set(xlabel="step", title=Path(folder).name)
    panel.legend()
    panel.grid(alpha=0.3, which="both")
    path = Path(folder) / "learning_curve.png"
    FigureCanvasAgg(figure).print_png(path)
    return path
