"""k-Wave is imported without network, without writing, and only in versions that were tried."""

import importlib.metadata
import subprocess
import sys

import pytest

from fieldcast.simulators.acoustics.kwave_import import _release, import_kwave

PROBE = """
import builtins, os, socket, sys, urllib.request

def refuse(*arguments, **options):
    raise AssertionError(f"touched the network or the disk: {arguments}")

socket.socket.connect = refuse
urllib.request.urlretrieve = urllib.request.urlopen = refuse
os.makedirs = os.mkdir = refuse
plain_open = builtins.open

def read_only(file, mode="r", *arguments, **options):
    if any(letter in mode for letter in "wax+"):
        refuse(file, mode)
    return plain_open(file, mode, *arguments, **options)

builtins.open = read_only
import logging
handlers = list(logging.getLogger().handlers)

from fieldcast.simulators.acoustics.kwave_import import import_kwave
kwave = import_kwave()
from kwave.solvers import Simulation
assert kwave.__version__ and callable(kwave.install_binaries)
assert import_kwave() is kwave is sys.modules["kwave"]
assert logging.getLogger().handlers == handlers
assert not any(type(finder).__name__ == "_Finder" or getattr(finder, "__name__", "") == "_Finder"
               for finder in sys.meta_path)
print("imported")
"""


def test_import_touches_neither_network_nor_disk(tmp_path):
    # matplotlib, which kwave imports, writes its font cache once; that is not what this is about.
    subprocess.run([sys.executable, "-c", "import matplotlib.pyplot"], check=True, capture_output=True)
    run = subprocess.run([sys.executable, "-B", "-c", PROBE], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert run.stdout.strip() == "imported", run.stderr


def test_several_threads_at_once(tmp_path):
    probe = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from fieldcast.simulators.acoustics.kwave_import import import_kwave\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    modules = list(pool.map(lambda _: import_kwave().__version__, range(8)))\n"
        "print(len(set(modules)))"
    )
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert run.stdout.strip() == "1", run.stderr


def test_missing_package_names_the_extra(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(ImportError, match=r"fieldcast\[kwave\]"):
        import_kwave()


@pytest.mark.parametrize("version", ["0.6.0", "0.5.9", "0.7.0", "1.0"])
def test_versions_never_tried_are_refused(monkeypatch, version):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    with pytest.raises(ImportError, match=f"<0.7, but {version} is installed"):
        import_kwave()


def test_versions_are_read():
    assert _release("0.6.3rc1") == (0, 6, 3)
    assert _release("0.6.2.post1") == (0, 6, 2, 0)
    assert _release("0.10") == (0, 10)
