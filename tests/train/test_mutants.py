"""Ten thousand spoilt files of every field, and of trainings: each is refused in a sentence, or does no harm."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_spoilt_file_is_more_than_a_sentence(count: int, tmp_path: Path) -> None:
    script = Path(__file__).with_name("mutants.py")
    done = subprocess.run([sys.executable, script, tmp_path, str(count)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["refused"] > count / 2 and result["more_megabytes"] < 500 and result["megabytes"] < 1000
