"""The built wheel, as a user installs it: complete, in its own namespace, and importable without the source tree."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = tuple(PROJECT["tool"]["setuptools"]["package-dir"].values())


def run(*arguments: str, **options: object) -> str:
    """Standard output of a command; its complete output in the message when it fails."""
    done = subprocess.run(arguments, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A copy of the source, so that no stale build folder takes part."""
    copy = tmp_path_factory.mktemp("source")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(output), str(source))
    return next(output.glob("*.whl"))


@pytest.fixture(scope="module")
def contents(wheel) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    """A folder into which the wheel alone is installed."""
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    run(*pip, "--target", str(target), str(wheel))
    return target


def test_every_python_file_is_in_the_wheel(source, contents):
    files = {f"fieldcast/{path.relative_to(source)}" for folder in FOLDERS for path in (source / folder).rglob("*.py")}
    assert "fieldcast/simulators/grid.py" in files
    missing = files - contents
    assert not missing, f"list their packages in pyproject.toml, [tool.setuptools] packages: {sorted(missing)}"


def test_types_and_licence_travel_along(contents):
    assert {f"fieldcast/{folder}/py.typed" for folder in FOLDERS} <= contents
    licence = [name for name in contents if name.endswith(".dist-info/licenses/LICENSE")]
    assert len(licence) == 1


def test_nothing_lies_outside_the_namespace(contents):
    """A top-level `datasets` would shadow the well-known package of that name."""
    outside = {name for name in contents if not name.startswith(("fieldcast/", "fieldcast-"))}
    assert not outside
    assert "fieldcast/__init__.py" not in contents, "fieldcast is a namespace package"


def test_the_wheel_imports_without_the_source_tree(site, tmp_path):
    """Run where the source is not, the wheel's folder first: everything must come from there."""
    code = "import fieldcast.simulators.grid as g; print(g.__file__, g.Grid((3, 4), 1e-3).extent)"
    printed = run(sys.executable, "-c", code, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)})
    assert printed.split(maxsplit=1) == [str(site / "fieldcast/simulators/grid.py"), "(0.002, 0.003)\n"]


def test_console_script(site):
    (distribution,) = Distribution.discover(path=[str(site)])
    (script,) = distribution.entry_points.select(group="console_scripts")
    assert (script.name, script.value) == ("fieldcast", "fieldcast.scripts.cli:main")
    assert distribution.version == PROJECT["project"]["version"]


def test_the_installed_command_answers(site, tmp_path):
    printed = run(str(site / "bin/fieldcast"), "--help", cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)})
    assert all(command in printed for command in ("demo", "generate", "train", "evaluate", "query"))


def test_one_version_everywhere():
    version = PROJECT["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text()
