"""PyTorch's FNO (`neuraloperator`), run from another process, step by step, in a Python of its own.

`python torch_fno.py SETTINGS FILE.npz` builds the model, writes its weights, an input and its output to the file, and
says which PyTorch it is. Then it reads words, `forward` or `train`, does one of it, and answers with its milliseconds.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

try:
    import torch
    from neuralop.models import FNO
except ImportError as error:
    sys.exit(f"No race with PyTorch: {error}.")


def build(settings: dict[str, int]) -> FNO:
    """The architecture of ours: the package's own defaults, but for the width of what lifts and projects."""
    ratio = settings["hidden_width"] / settings["width"]
    return FNO(
        n_modes=(settings["modes"], settings["modes"]),
        in_channels=1,
        out_channels=1,
        hidden_channels=settings["width"],
        n_layers=settings["num_layers"],
        lifting_channel_ratio=ratio,
        projection_channel_ratio=ratio,
    )


def main(settings: dict[str, int], file: Path) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(settings["threads"])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = build(settings).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)
    u = torch.randn(settings["batch"], 1, settings["points"], settings["points"], device=device)
    with torch.no_grad():
        target = 1.1 * model(u)
    weights = {name: value.detach().cpu().numpy() for name, value in model.named_parameters()}
    np.savez(file, input=u.cpu().numpy(), output=(target / 1.1).cpu().numpy(), **weights)

    def forward() -> None:
        with torch.no_grad():
            model(u)

    def train() -> None:
        optimiser.zero_grad()
        error = torch.linalg.vector_norm((model(u) - target).flatten(1), dim=1)
        (error / torch.linalg.vector_norm(target.flatten(1), dim=1)).mean().backward()
        optimiser.step()

    work = {"forward": forward, "train": train}
    print(torch.__version__, flush=True)
    for word in sys.stdin:
        start = time.perf_counter()
        work[word.strip()]()
        if device.type == "cuda":
            torch.cuda.synchronize()
        print(1e3 * (time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), Path(sys.argv[2]))
