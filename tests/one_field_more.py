"""A pytest plugin: as if the folder ONE_FIELD_MORE's `choice.py` and what else lies there were in fields/."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


class OneFieldMore(MetaPathFinder):
    def __init__(self, folder: Path) -> None:
        self.files = {f"omnifield.fields.{file.stem}": file for file in folder.glob("*.py")}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        file = self.files.get(fullname)
        return importlib.util.spec_from_file_location(fullname, file) if file else None


FINDER = OneFieldMore(Path(os.environ["ONE_FIELD_MORE"]))


def pytest_plugin_registered() -> None:
    """After each: tests/conftest.py puts a finder of its own before all others."""
    sys.meta_path[:] = [FINDER, *(finder for finder in sys.meta_path if finder is not FINDER)]
