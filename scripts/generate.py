"""`fieldcast generate`: simulate a dataset."""

from pathlib import Path

from fieldcast.datasets import generation
from fieldcast.datasets.ultrasound import UltrasoundRecipe
from fieldcast.simulators.acoustics.kwave import KWave


def generate(root: Path, recipe: UltrasoundRecipe = UltrasoundRecipe(), workers: int = 2) -> None:
    """Simulate transcranial ultrasound scenes with k-Wave into a folder of HDF5 files; run again to resume.

    Args:
        root: Folder of the dataset.
        recipe: What is simulated.
        workers: Processes that simulate side by side.
    """
    run_generation(root, recipe, workers)


def run_generation(root: Path, recipe: UltrasoundRecipe, workers: int) -> generation.GenerationReport:
    """Generate with one FFT thread a worker, or with all cores when there is one worker; report on it."""
    solver = KWave(workers=1 if workers > 1 else None, progress=False)
    report = generation.generate(recipe, solver, root, workers)
    print(f"{root}: {report.written} scenes simulated in {report.seconds:.0f} s, {report.found} were there already.")
    if report.failures:
        raise ValueError(
            f"{len(report.failures)} scenes failed; the first says: {next(iter(report.failures.values()))}"
        )
    return report
