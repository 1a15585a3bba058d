"""Memory of a machine and of the control groups that a container lives in, from files that look like Linux's."""

import math
from pathlib import Path

import pytest
from omnifield.scenes import memory, room
from omnifield.scenes.room import Pictures, check_memory

GIB = 2**30
MACHINE = 8 * GIB


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """8 GiB, of which all are free, and no groups yet."""
    (tmp_path / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable:   {MACHINE // 1024} kB\n")
    for name, file in (("MEMINFO", "meminfo"), ("GROUPS", "cgroup"), ("MOUNTS", "mountinfo")):
        monkeypatch.setattr(memory, name, str(tmp_path / file))
    monkeypatch.setattr(memory.os, "sysconf", {"SC_PHYS_PAGES": MACHINE // 4096, "SC_PAGE_SIZE": 4096}.get)
    return tmp_path


def version_2(system: Path, group: str, root: str = "/") -> Path:
    (system / "cgroup").write_text(f"0::{group}\n")
    (system / "mountinfo").write_text(
        f"29 23 0:26 {root} {system}/groups rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
    )
    return system / "groups"


def version_1(system: Path, group: str, root: str = "/") -> Path:
    (system / "cgroup").write_text(f"5:cpu,cpuacct:/\n4:memory:{group}\n0::/\n")
    (system / "mountinfo").write_text(
        f"31 23 0:28 / {system}/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
        f"35 31 0:32 {root} {system}/groups rw - cgroup cgroup rw,memory\n"
    )
    return system / "groups"


def group(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


def figures() -> tuple[float, float]:
    return memory.available_memory() / GIB, memory.total_memory() / GIB


def test_without_groups_it_is_the_machines(system: Path) -> None:
    assert figures() == (8, 8)


@pytest.mark.parametrize("mounted", ["/", "/user/job"])
def test_limits_of_version_2_without_what_is_only_cached(system: Path, mounted: str) -> None:
    top = version_2(system, "/user/job", mounted)
    own = top / "user/job" if mounted == "/" else top
    stat = f"anon 5\ninactive_file {GIB // 2}\nactive_file 9"
    group(own, memory__max=2 * GIB, memory__high="max", memory__current=GIB, memory__stat=stat)
    assert figures() == (1.5, 2)
    group(own, memory__high=GIB)
    assert figures() == (0.5, 1)


def test_limits_of_the_groups_around_count_as_well(system: Path) -> None:
    top = version_2(system, "/a/b/c")
    group(top / "a/b/c", memory__max=4 * GIB, memory__current=0)
    group(top / "a/b", memory__max="max", memory__current=0)
    group(top / "a", memory__max=3 * GIB, memory__current=2 * GIB)
    assert figures() == (1, 3)


@pytest.mark.parametrize("mounted", ["/", "/docker/0f"])
def test_limits_of_version_1(system: Path, mounted: str) -> None:
    top = version_1(system, "/docker/0f", mounted)
    stat = f"inactive_file 7\ntotal_inactive_file {GIB}"
    own = top / "docker/0f" if mounted == "/" else top
    group(own, memory__limit_in_bytes=3 * GIB, memory__usage_in_bytes=2 * GIB, memory__stat=stat)
    assert figures() == (2, 3)


def test_a_container_that_sees_only_its_own_group(system: Path) -> None:
    """Of version 1 without a namespace: the path is the one outside, and what is mounted is the group itself."""
    top = version_1(system, "/kubepods/pod7", "/")
    group(top, memory__limit_in_bytes=GIB, memory__usage_in_bytes=0)
    assert figures() == (1, 1)


def test_no_limit_is_none(system: Path) -> None:
    top = version_1(system, "/x")
    group(top / "x", memory__limit_in_bytes=9223372036854771712, memory__usage_in_bytes=GIB)
    assert figures() == (8, 8)
    top = version_2(system, "/")
    group(top, memory__max="max", memory__high="max", memory__current=GIB)
    assert figures() == (8, 8)


def test_images_must_fit_into_the_containers_memory(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.os, "cpu_count", lambda: 1)
    check_memory([Pictures(200, (1600, 1200), 5)], 1)
    group(version_2(system, "/"), memory__max=GIB, memory__current=0)
    with pytest.raises(ValueError, match=r"do not fit into memory .* of 0\.8 GiB"):
        check_memory([Pictures(200, (1600, 1200), 5)], 1)


def test_a_system_that_says_nothing(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (system / "meminfo").unlink()
    monkeypatch.delattr(memory.os, "sysconf")
    assert figures() == (math.inf, math.inf)
