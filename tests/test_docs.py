"""The examples in the documentation run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def test_the_python_example_runs_and_writes_what_it_says(tmp_path: Path) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(), re.DOTALL))
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "step 40:" in run.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"view.png", "field.safetensors"}
