"""The API reference follows the source tree: one page a package, one section a module, nothing listed by hand.

The four folders become `fieldcast.*` only by pyproject's `package-dir`, which a reader of source files cannot see, so
the hook lays the sources out under that name in `build/docs` first.
"""

import ast
import shutil
import tomllib
from pathlib import Path

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
LAYOUT = ROOT / "build" / "docs"


@event_priority(100)  # before mkdocstrings looks for the sources
def on_config(config: MkDocsConfig) -> None:
    """Lay the sources out as they are installed, and add the pages of the API reference to the navigation."""
    shutil.rmtree(LAYOUT, ignore_errors=True)
    for package, folder in SETUPTOOLS["package-dir"].items():
        shutil.copytree(ROOT / folder, LAYOUT.joinpath(*package.split(".")))
    config.nav.append({"API": [{package: f"api/{package}.md"} for package in _modules()]})


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Write the pages of the API reference."""
    for package, modules in _modules().items():
        sections = [f"# {package}"] + [f"::: {package}.{module}" for module in modules]
        files.append(File.generated(config, f"api/{package}.md", content="\n\n".join(sections)))
    return files


def _modules() -> dict[str, list[str]]:
    """The public modules of every package, by the package's name."""
    found = {}
    for package in SETUPTOOLS["packages"]:
        floor, _, rest = package.removeprefix("fieldcast.").partition(".")
        folder = ROOT / SETUPTOOLS["package-dir"][f"fieldcast.{floor}"] / rest.replace(".", "/")
        found[package] = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    return {package: modules for package, modules in found.items() if modules}


class AnnotationsAsWritten(griffe.Extension):
    """Show annotations as the source has them; read as Python, jaxtyping's `"axis *space"` becomes a product."""

    def on_function_instance(
        self, *, node: ast.AST | griffe.ObjectNode, func: griffe.Function, **kwargs: object
    ) -> None:
        if isinstance(node, ast.FunctionDef):
            func.returns = node.returns and ast.unparse(node.returns)
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                func.parameters[argument.arg].annotation = argument.annotation and ast.unparse(argument.annotation)

    def on_attribute_instance(
        self, *, node: ast.AST | griffe.ObjectNode, attr: griffe.Attribute, **kwargs: object
    ) -> None:
        if isinstance(node, ast.AnnAssign):
            attr.annotation = ast.unparse(node.annotation)
        elif isinstance(node, ast.FunctionDef):  # a property
            attr.annotation = node.returns and ast.unparse(node.returns)
