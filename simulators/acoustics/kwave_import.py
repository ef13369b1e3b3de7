"""Import k-wave-python without network or write access.

The package downloads executables when it is imported. Only its Python solver is driven here, so the one statement that
downloads is left out while its `__init__` is compiled; everything else of the package is imported as it is.
"""

import ast
import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import sys
import threading
from types import ModuleType

OLDEST = (0, 6, 1)
"""First version whose sensor data are in C order."""

TOO_NEW = (0, 7)
"""First version not tried."""

_DOWNLOAD = "install_binaries"
_lock = threading.RLock()


def import_kwave() -> ModuleType:
    """The `kwave` package, imported offline.

    **Raises:** `ImportError` when k-wave-python is missing, or of a version that was never tried.
    """
    with _lock:
        _check_version()
        if "kwave" in sys.modules:
            return importlib.import_module("kwave")
        # Through the ordinary import system, whose own locks make this safe among threads.
        sys.meta_path.insert(0, _Finder)
        try:
            return importlib.import_module("kwave")
        finally:
            sys.meta_path.remove(_Finder)


def _check_version() -> None:
    try:
        version = importlib.metadata.version("k-wave-python")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError(
            "The k-Wave driver needs k-wave-python, which is not installed. "
            "Install the extra: pip install 'fieldcast[kwave]'."
        ) from None
    if not OLDEST <= _release(version) < TOO_NEW:
        raise ImportError(
            f"The k-Wave driver needs k-wave-python >=0.6.1,<0.7, but {version} is installed. "
            "Install the extra: pip install 'fieldcast[kwave]'."
        )


def _release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: `0.6.3rc1` gives `(0, 6, 3)`."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        numbers.append(int(digits or 0))
        if digits != part:
            break
    return tuple(numbers)


class _Finder:
    """Finds `kwave` as Python would, but hands it to our loader."""

    @staticmethod
    def find_spec(name: str, path=None, target=None):
        if name != "kwave":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles a module without its top-level statements that call the download."""

    def get_code(self, fullname: str):
        # Never through the byte-code cache: it may hold the unchanged module, and may not be writable.
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), filename=path)
        tree.body = [statement for statement in tree.body if not _downloads(statement)]
        return compile(tree, path, "exec", dont_inherit=True)


def _downloads(statement: ast.stmt) -> bool:
    """Whether a top-level statement calls the download; the definition of the function does not."""
    if not isinstance(statement, ast.If | ast.Expr | ast.Try):
        return False
    calls = (node.func for node in ast.walk(statement) if isinstance(node, ast.Call))
    return any(isinstance(function, ast.Name) and function.id == _DOWNLOAD for function in calls)
