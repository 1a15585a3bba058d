"""From the command line to the march: few hops, and the same in every training."""

import inspect
import sys
from pathlib import Path

from omnifield.renderers import march
from omnifield.scripts import cli

from ..house import LADDER

ROOMS = tuple(f"{Path(inspect.getfile(cli)).parents[1] / room}/" for room in LADDER)


def test_from_the_command_line_to_the_march_in_six_hops(lego, tmp_path: Path, monkeypatch, capsys) -> None:
    ray_march, lines = march.ray_march, []

    def counted(*given: object) -> object:
        ours = [frame.function for frame in inspect.stack()[1:] if frame.filename.startswith(ROOMS)]
        lines.append(ours[: ours.index("main") + 1])
        return ray_march(*given)  # pyright: ignore

    monkeypatch.setattr(march, "ray_march", counted)
    small = ("--preset", "tiny", "--set", "samples_per_step=1024", "--device", "cpu", "--max-steps", "2")
    words = ("omnifield", "train", lego(), "--run-dir", tmp_path / "run", *small)
    monkeypatch.setattr(sys, "argv", [*map(str, words)])
    cli.main()
    steps = [line for line in lines if "_step" in line]
    assert len(steps) == 2 and capsys.readouterr().err
    for line in steps:
        assert line[0] == "sample" and line[-1] == "main" and len(line) <= 6, line
