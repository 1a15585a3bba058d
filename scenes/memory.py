"""How much memory there is: the machine's, or less where a container (a control group of Linux) is given less."""

import math
import os
from collections.abc import Iterator

MEMINFO, GROUPS, MOUNTS = "/proc/meminfo", "/proc/self/cgroup", "/proc/self/mountinfo"
USUAL_MOUNTS = {"": "/sys/fs/cgroup", "memory": "/sys/fs/cgroup/memory"}
# Files of a group in its two versions: limits, what is used, and which line of memory.stat tells of that what could
# be given back.
LIMITS = {"": ("memory.max", "memory.high"), "memory": ("memory.limit_in_bytes",)}
USED = {"": "memory.current", "memory": "memory.usage_in_bytes"}
GIVEN_BACK = {"": "inactive_file", "memory": "total_inactive_file"}


def available_memory() -> float:
    """Bytes that can be had without swapping; infinite where the system does not say."""
    return min([_available_on_machine(), *(max(limit - used, 0.0) for limit, used in _limits())])


def total_memory() -> float:
    """Bytes that this process could have, were it alone; infinite where the system does not say."""
    try:
        machine = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        machine = math.inf
    return min([machine, *(limit for limit, _ in _limits())])


def _available_on_machine() -> float:
    for line in _lines(MEMINFO):
        if line.startswith("MemAvailable:"):
            return float(line.split()[1]) * 1024
    try:  # macOS knows the pages it has, not those that are free
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) / 2
    except (AttributeError, ValueError, OSError):
        return math.inf


def _limits() -> Iterator[tuple[float, float]]:
    """(limit, bytes in use) of this process's control groups and of those that they lie in."""
    for line in _lines(GROUPS):
        _, kinds, path = line.split(":", 2)
        kind = "memory" if "memory" in kinds.split(",") else kinds
        if kind in LIMITS:
            for folder in _folders(kind, path):
                limit = min(_number(f"{folder}/{name}") for name in LIMITS[kind])
                if limit < math.inf:
                    yield limit, _used(kind, folder)


def _folders(kind: str, path: str) -> Iterator[str]:
    """Of a group and of all that it lies in, as far as they can be seen from here."""
    root, mount = _mount(kind)
    # From within a container its own group is often the top one that is mounted, whatever its path outside.
    inside = os.path.relpath(path, root) if (path + "/").startswith(root.rstrip("/") + "/") else "."
    parts = [part for part in inside.split("/") if part not in (".", "..")]
    for depth in range(len(parts), -1, -1):
        yield "/".join([mount, *parts[:depth]])


def _mount(kind: str) -> tuple[str, str]:
    """Which group is mounted, and where."""
    for line in _lines(MOUNTS):
        own, _, described = line.partition(" - ")
        system, *_, options = described.split(" ")
        if system == ("cgroup" if kind else "cgroup2") and (not kind or kind in options.split(",")):
            root, mount = own.split(" ")[3:5]
            return root, mount
    return "/", USUAL_MOUNTS[kind]


def _used(kind: str, folder: str) -> float:
    """Without the files that are only kept in case they are read again."""
    used = _number(f"{folder}/{USED[kind]}")
    for line in _lines(f"{folder}/memory.stat"):
        if line.split()[:1] == [GIVEN_BACK[kind]]:
            used -= float(line.split()[1])
    return max(used, 0.0) if used < math.inf else 0.0


def _number(path: str) -> float:
    """The only line of a file; infinite where there is none, or it says "max"."""
    for line in _lines(path):
        return float(line) if line.isdecimal() else math.inf
    return math.inf


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []
