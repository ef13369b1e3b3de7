"""What k-Wave's power-law absorption does to a continuous plane wave in bone, with and without its dispersion term.

A 500 kHz plane wave runs through homogeneous bone in one dimension (20 points a wavelength, 100 steps a period); its
phase speed and attenuation are fitted to the complex pressure. Prints one JSON line and writes it to docs/results.

    python benchmarks/bone_dispersion.py
"""

import json
import math
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

from fieldcast.simulators.acoustics import kwave_run

FREQUENCY = 500e3
SOUND_SPEED = 2800.0
ATTENUATION = 8.0
"""[dB/(MHz^y cm)]"""

POWERS = (1.05, 1.1, 1.2, 1.43, 2.0)
POINTS, POINTS_PER_WAVELENGTH, PML = 440, 20, 20
RESULT = Path(__file__).parents[1] / "docs" / "results" / "bone_dispersion.json"


def travel(power: float, dispersion: bool) -> tuple[float, float]:
    """Phase speed [m/s] and attenuation [dB/cm] of the wave in k-Wave."""
    spacing = SOUND_SPEED / FREQUENCY / POINTS_PER_WAVELENGTH
    full = np.full(POINTS, 1.0)
    maps = kwave_run.Maps(SOUND_SPEED * full, 1850.0 * full, ATTENUATION * full, power, dispersion, spacing)
    drive = kwave_run.Drive(
        frequency=FREQUENCY,
        steps_per_period=100,
        ramp_periods=4,
        settle_periods=60,
        most_periods=62,
    )
    weights = np.zeros((1, POINTS))
    weights[0, PML + 20] = 1e5
    pressure, _ = kwave_run.run(
        maps,
        weights,
        np.zeros(1),
        drive,
        tolerance=0.0,
        pml=(PML,),
        precision=np.float64,
        workers=1,
        on_step=lambda: None,
    )
    inner = slice(PML + 60, PML + 260)
    distance = spacing * np.arange(200)
    wavenumber = -np.polyfit(distance, np.unwrap(np.angle(pressure[inner])), 1)[0]
    decay = -np.polyfit(distance, np.log(np.abs(pressure[inner])), 1)[0]
    return 2 * math.pi * FREQUENCY / wavenumber, decay * 20 / math.log(10) / 100


def main() -> None:
    rows = []
    for power in POWERS:
        row = {"power": power, "nominal_db_cm": ATTENUATION * (FREQUENCY / 1e6) ** power}
        for name, dispersion in (("dispersion", True), ("no_dispersion", False)):
            row[f"speed_{name}"], row[f"db_cm_{name}"] = travel(power, dispersion)
        rows.append({key: round(value, 4) for key, value in row.items()})
    result = {
        "sound_speed": SOUND_SPEED,
        "attenuation": ATTENUATION,
        "frequency": FREQUENCY,
        "rows": rows,
        "date": date.today().isoformat(),
        "versions": {name: version(name) for name in ("fieldcast", "k-wave-python", "numpy")},
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
