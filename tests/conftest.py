"""Every test runs with omnifield's signatures checked (shapes, types) and deterministically.

Two processes share the tests, each on one thread; what several threads do, `ops/agreement.py` looks at.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import jaxtyping
import pytest
import torch

SHARED = Path(__file__).parents[2] / "shared" / "data"

THREADS = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2
torch.set_num_threads(THREADS)
torch.use_deterministic_algorithms(True)

if any(name.split(".")[0] == "omnifield" for name in sys.modules):
    raise RuntimeError("omnifield was imported before its signatures could be checked")
jaxtyping.install_import_hook("omnifield", "beartype.beartype")

from omnifield.ops import set_threads  # noqa: E402  # behind the hook

set_threads(THREADS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a browser come first. A process that has no more to do keeps its last module's page open, and without
    a GPU a page draws on and on: it once took the processors from the other process for half an hour."""
    items.sort(key=lambda item: not (isinstance(item, pytest.Function) and "browser" in item.fixturenames))


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def real() -> Callable[[str], Path]:
    """The folder of a real dataset; skips where it is not there."""

    def find(name: str) -> Path:
        if not (SHARED / name).exists():
            pytest.skip(f"the dataset {name} is not in ../shared/data beside the project")
        return SHARED / name

    return find
