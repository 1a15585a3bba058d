"""The example that fits a picture runs, and modulation helps in it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "fit_image.py"
ALBERT = ROOT.parent / "shared" / "data" / "image" / "albert.exr"


def fitted(picture: Path, *flags: str) -> dict[str, float]:
    """PSNR by the name of the network."""
    command = [sys.executable, str(EXAMPLE), str(picture), *flags]
    run = subprocess.run(command, cwd=picture.parent, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return {
        name: float(found) for name, found in re.findall(r"^(FFN.*): ([\d.]+) dB$", run.stdout, re.MULTILINE)
    }


def test_a_picture_of_any_shape(tmp_path: Path) -> None:
    gradient = Image.linear_gradient("L").resize((48, 40)).convert("RGB")
    gradient.save(tmp_path / "gradient.png")
    output = tmp_path / "fitted.png"
    found = fitted(tmp_path / "gradient.png", "--size", "16", "--steps", "3", "--output", str(output))
    assert found.keys() == {"FFN", "FFN + CAM"}
    assert Image.open(output).size == (48, 16)


def test_modulation_helps_with_a_photograph() -> None:
    if not ALBERT.is_file():
        pytest.skip("the picture image/albert.exr is not in ../shared/data beside the project")
    found = fitted(ALBERT, "--size", "24", "--steps", "40")
    assert found["FFN + CAM"] > found["FFN"] + 3
