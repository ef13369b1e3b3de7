"""What importing the library brings in: nothing optional, nothing slow."""

import json
import subprocess
import sys

import pytest

IMPORT_EVERYTHING = """
import importlib, json, pkgutil, sys

names = []
for floor in ("simulators", "datasets", "surrogates", "scripts"):
    package = importlib.import_module(f"fieldcast.{floor}")
    names += [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
for name in names:
    importlib.import_module(name)
print(json.dumps([names, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


@pytest.fixture(scope="module")
def imported() -> tuple[set[str], set[str]]:
    """All modules of ours, and every top-level module in memory after importing them in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", IMPORT_EVERYTHING], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours, loaded = json.loads(done.stdout)
    return set(ours), set(loaded)


def test_the_walk_finds_our_modules(imported):
    ours, loaded = imported
    assert {"fieldcast.simulators.grid", "fieldcast.simulators.acoustics.field"} <= ours
    assert "jax" in loaded


@pytest.mark.parametrize("optional", ["kwave", "cv2", "nibabel", "pydicom", "dask", "distributed", "dask_jobqueue"])
def test_optional_packages_are_imported_when_used(imported, optional):
    """The extras may be missing; and k-Wave, which downloads executables when imported plainly, must ask nobody."""
    assert optional not in imported[1]


def test_drawing_is_imported_when_used(imported):
    """Matplotlib costs more than the rest of a query."""
    assert "matplotlib" not in imported[1]
