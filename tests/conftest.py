"""Every test runs with the shapes and types in omnifield's signatures checked, on two threads, deterministically."""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location

import jaxtyping
import pytest
import torch

torch.set_num_threads(2)
torch.use_deterministic_algorithms(True)

_ordinary_finders = tuple(sys.meta_path)


class PathFinder:
    """Finds a module as Python would, and shows jaxtyping a plain source file.

    jaxtyping's hook asks the finder of this name, and takes only specs with the ordinary source loader. An editable
    install has a finder and a loader of its own, so the hook would pass by every module, and check nothing.
    """

    @staticmethod
    def find_spec(name: str, path=None, target=None) -> ModuleSpec | None:
        for finder in _ordinary_finders:
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
                places = spec.submodule_search_locations
                return spec_from_file_location(name, spec.origin, submodule_search_locations=places)
            if spec is not None:
                return spec
        return None


def _check_signatures() -> None:
    early = sorted(name for name in sys.modules if name.split(".")[0] == "omnifield")
    if early:
        raise RuntimeError(f"imported before its signatures could be checked: {early}")
    sys.meta_path.insert(0, PathFinder)  # pyright: ignore
    jaxtyping.install_import_hook("omnifield", "beartype.beartype")
    sys.meta_path.remove(PathFinder)  # pyright: ignore


_check_signatures()


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
