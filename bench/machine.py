"""What a measurement was made on: without it a figure says nothing. No host name, no paths."""

import math
import os
import platform
import re
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from ..ops import instruction_set, threads
from ..scenes.memory import total_memory

DROPPED = re.compile(r"\((r|tm|c)\)|\b(processor|cpu|core|gen|with|genuine)\b|@")


def describe_machine(device: torch.device) -> dict[str, Any]:
    """Processor, what computes on it, and how busy it is at this moment."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 1,
        "threads": threads(),
        "instruction_set": instruction_set(),
        "memory_gib": _memory_gib(),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "load_average": load_average(),
    }


def machine_slug(machine: dict[str, Any]) -> str:
    """A file name's part, such as intel-xeon-2.50ghz-2-cores-avx512."""
    cpu = DROPPED.sub(" ", machine["cpu"].lower())
    return slug(f"{cpu} {machine['cores']} cores {machine['instruction_set']} {machine['gpu'] or ''}")


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")


def load_average() -> float | None:
    """Of the last minute: how many threads wanted to run. None where the system does not say."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def seconds_since_start() -> float | None:
    """Since this process was started, imports included; None where the system does not say."""
    try:
        after_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    started = int(after_name[19]) / os.sysconf("SC_CLK_TCK")  # field 22: ticks after the system's start
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def peak_memory_mib() -> float:
    """The most memory this process has held at once, pictures and libraries included."""
    import resource  # not on Windows, where the other measurements still are to run

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def synchronise(device: torch.device) -> None:
    """Wait for work that was only handed over: a GPU's clock is read after it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return _sysctl("machdep.cpu.brand_string") or platform.processor() or platform.machine()
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return named.group(1).strip() if named else platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    total = total_memory() / 2**30
    return round(total, 1) if math.isfinite(total) else None


def _sysctl(name: str) -> str:
    try:
        asked = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=True)
        return asked.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
