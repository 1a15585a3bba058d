"""No build of the kernels leaves code that the linker could give to another: a processor might not know it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WEAK = set("WVuvw")  # what a linker merges over object files, by nm's letter; undefined ones have no address
HARMLESS = {"DW.ref.__gxx_personality_v0"}  # a pointer, the same in every build


def objects() -> list[Path]:
    """Of the builds of the kernels that an editable install of this Python leaves, those that have a source."""
    version = f"cp{sys.version_info.major}{sys.version_info.minor}-*"
    sources = {path.name for path in (ROOT / "ops" / "cpu").glob("*.cpp")}
    found = (ROOT / "build").glob(f"{version}/**/kernels_*.dir/**/*.o")
    return [path for path in found if path.name.removesuffix(".o") in sources]


def mergeable(path: Path) -> list[str]:
    """The weak symbols that an object file defines."""
    listing = subprocess.run(["nm", "-C", path], check=True, capture_output=True, text=True).stdout
    lines = [line.split(maxsplit=2) for line in listing.splitlines()]
    return [line[2] for line in lines if len(line) == 3 and line[1] in WEAK and line[2] not in HARMLESS]


def test_no_two_builds_of_the_kernels_share_a_symbol() -> None:
    if shutil.which("nm") is None:
        pytest.skip("nm is not installed")
    if not objects():
        pytest.skip("this is no editable install: there are no object files under build")
    leaks = {f"{path.parts[-4]}/{path.name}": names for path in objects() if (names := mergeable(path))}
    assert not leaks
