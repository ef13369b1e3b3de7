"""Put small models that were trained on two cores into `docs/models`, with data to try them on.

    python benchmarks/experiments/ship_models.py

Each flow is a folder with one file a stepper of the experiments (`load_stepper` takes its folder) and the first
snapshots of a test trajectory, as a dataset of one file, so that `fieldcast evaluate docs/models/channel/fno --data
docs/models/channel` works. `docs/models/skull` holds a test scene and a predictor, which were made by

    fieldcast generate ultrasound --root runs/skulls200 --num-scenes 200 --workers 2
    fieldcast train ultrasound --data runs/skulls200 --run runs/small-predictor --training.num-steps 900 \\
        --model.base-width 8 --model.num-levels 3 --model.patch-size 2

What was not trained yet is named and left out.
"""

import dataclasses
import shutil
from pathlib import Path

from experiment import RUNS

from fieldcast.datasets.trajectory_file import new_trajectory, read_trajectory
from fieldcast.datasets.windows import trajectory_paths

MODELS = Path("docs/models")
NUM_SNAPSHOTS = 14

CHANNEL, GAS, PLANE = RUNS / "channel-cpu", RUNS / "sinenet-cpu", RUNS / "resolution-cpu"
SHIPPED = {
    "channel": (
        RUNS / "channel",
        {
            "ifactformer": CHANNEL / "IFactFormer-m-one-step-0",
            "fno": CHANNEL / "FNO-one-step-0",
            "ifno": CHANNEL / "IFNO-one-step-0",
        },
    ),
    "gas": (
        RUNS / "cns-cpu",
        {
            "sinenet": GAS / "cns-sinenet-4-0",
            "ffno": GAS / "cns-f-fno-0",
        },
    ),
    "plane": (
        RUNS / "kolmogorov-cpu" / "32",
        {
            "local-fno": PLANE / "localfno-integrals-one-grid-0",
            "unet": PLANE / "u-net-one-grid-0",
            "dilresnet": PLANE / "dilresnet-one-grid-0",
            "interpolated-unet": PLANE / "u-net-interpolated-several-grids-0",
        },
    ),
}


def main() -> None:
    """Copy the models and cut the data."""
    for flow, (data, models) in SHIPPED.items():
        trained = {name: run for name, run in models.items() if (run / "stepper.ckpt").exists()}
        for name in models.keys() - trained:
            print(f"{models[name]} holds no stepper yet: {flow}/{name} is left out.")
        if trained:
            cut(trajectory_paths(data, "test")[0], MODELS / flow / "data" / "test" / "trajectory_00000.h5")
        for name, run in trained.items():
            (MODELS / flow / name).mkdir(parents=True, exist_ok=True)
            shutil.copy(run / "stepper.ckpt", MODELS / flow / name)
    ship_predictor(Path("runs/small-predictor/predictor.ckpt"), Path("runs/skulls200/data/test/scene_00000.h5"))
    size = sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file())
    print(f"{MODELS}: {size / 1e6:.1f} MB")


def ship_predictor(checkpoint: Path, scene: Path) -> None:
    """A predictor of pressure fields, and a scene that it has not seen."""
    if not checkpoint.exists():
        print(f"There is no {checkpoint} yet: the predictor is left out.")
        return
    folder = MODELS / "skull"
    (folder / "data" / "test").mkdir(parents=True, exist_ok=True)
    shutil.copy(checkpoint, folder)
    shutil.copy(scene, folder / "data" / "test")


def cut(source: Path, path: Path) -> None:
    """The first snapshots of a trajectory."""
    whole = read_trajectory(source)
    short = dataclasses.replace(whole, times=whole.times[:NUM_SNAPSHOTS], fields=whole.fields[:NUM_SNAPSHOTS])
    with new_trajectory(path, short) as writer:
        for fields in short.fields:
            writer.append(fields)


if __name__ == "__main__":
    main()
