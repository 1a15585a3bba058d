"""The child process of pycolmap from its parent's side: started, watched, and ended with us."""

import contextlib
import importlib.util
import json
import queue
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

WORKER = ("-m", "omnifield.photos.worker")
LOOK_EVERY = 0.5  # seconds
# Of COLMAP's database: each has a row for every piece.
TABLES = {"features": "keypoints", "matches": "two_view_geometries"}
MISSING = "Photographs need pycolmap, which is not here: pip install 'omnifield[photos]'"
Report = Callable[[str, int, int], None]
"""Told of every phase how many of how many pieces are done."""


def check_pycolmap() -> None:
    """Raises ValueError that says how to get it."""
    if importlib.util.find_spec("pycolmap") is None:
        raise ValueError(f"{MISSING}.")


def run_child(plan: Path, log: Path, pictures: int, report: Report) -> dict[str, Any]:
    """What the plan comes to. The child's own words go into the log; it is ended when we are.

    Raises ValueError where it ends without a result."""
    with open(log, "ab") as words, _started(plan, words) as child:
        try:
            result = _listen(child, json.loads(plan.read_text(encoding="utf-8")), pictures, report)
            child.wait()
        finally:
            if child.poll() is None:
                child.kill()
    if result is None:
        raise ValueError(
            f"pycolmap ended before its work was done ({_how(child.returncode)}); its last words: "
            f"{_last_words(log)}"
        )
    return result


def _started(plan: Path, words: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *WORKER, str(plan)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=words,
        start_new_session=True,  # a Ctrl-C is for us
    )


def _listen(
    child: subprocess.Popen[bytes], plan: dict[str, Any], pictures: int, report: Report
) -> dict[str, Any] | None:
    """Events as they come; between them its database is asked how far it is."""
    events: queue.Queue[bytes | None] = queue.Queue()
    assert child.stdout is not None
    threading.Thread(target=_read_lines, args=(child.stdout, events), daemon=True).start()
    phase, result, totals = "", None, {"features": pictures, "cameras": pictures}
    while True:
        try:
            line = events.get(timeout=LOOK_EVERY)
        except queue.Empty:
            if phase in TABLES:
                report(phase, _rows(Path(plan["database"]), TABLES[phase]), totals[phase])
            continue
        if line is None:
            return result
        event = json.loads(line)
        if "result" in event:
            result = event["result"]
            report(phase, len(result["placed"]), pictures)
            continue
        if event["phase"] != phase and phase:
            report(phase, totals[phase], totals[phase])
        phase = event["phase"]
        totals[phase] = event.get("total", totals.get(phase, 0))
        report(phase, min(event.get("done", 0), totals[phase]), totals[phase])


def _read_lines(pipe: IO[bytes], events: "queue.Queue[bytes | None]") -> None:
    for line in pipe:
        events.put(line)
    events.put(None)


def _rows(database: Path, table: str) -> int:
    """Zero where the database is not there yet, or busy."""
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened:
            return int(opened.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])
    except sqlite3.Error:
        return 0


def _how(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][-300:] if lines else "none"
