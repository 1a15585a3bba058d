"""A missing optional package, or system library of one, is a sentence with the command that mends it."""

import sys
from pathlib import Path

import pytest
from omnifield.ops.optional import need


def test_a_package_that_is_there():
    assert need("json.decoder", "mesh") is sys.modules["json.decoder"]


def test_a_package_that_is_not_installed():
    with pytest.raises(ValueError, match=r"needs no_such_package.*pip install 'omnifield\[mesh\]'"):
        need("no_such_package", "mesh")


def test_a_package_of_no_index_names_its_source(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tinycudann", None)
    with pytest.raises(ValueError, match=r"needs tinycudann.*pip install 'git\+https://github.com/NVlabs"):
        need("tinycudann", "cuda")


@pytest.mark.parametrize("error", ["OSError", "ImportError"])
def test_a_package_that_lacks_a_system_library(error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "open3d", raising=False)
    (tmp_path / "open3d.py").write_text(f"raise {error}('libusb-1.0.so.0: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"open3d.*\(libusb-1.0.so.0: .*apt-get install libusb-1.0-0"):
        need("open3d", "mesh")
