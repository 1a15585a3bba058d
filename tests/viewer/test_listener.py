"""Where the page listens, and by which names, and from which pages, it may be asked for."""

import errno
import socket

import pytest
from omnifield.viewer import listener
from omnifield.viewer.listener import Listener, listen, open_listener

OURS = socket.socket()  # never bound: only headers matter here
HERE = Listener(OURS, frozenset())
FAR = Listener(OURS, frozenset({"lab-7", "lab-7.local", "lab-7.example.org"}))


@pytest.mark.parametrize("place", ["localhost", "127.0.0.1", "[::1]", "LocalHost", "localhost.", "127.0.0.2"])
@pytest.mark.parametrize("port", ["", ":8080", ":9000"])
def test_this_machine_s_own_browser_is_let_in_at_any_port(place: str, port: str):
    """`ssh -L 9000:localhost:8080` is asked for as localhost:9000."""
    for ours in (HERE, FAR):
        assert ours.refusal([place + port], []) is None
        assert ours.refusal([place + port], [f"http://{place}{port}"]) is None


@pytest.mark.parametrize("place", ["192.168.1.7", "[fd00::7]", "lab-7", "LAB-7.local", "lab-7.example.org"])
def test_other_machines_call_it_by_address_or_by_its_own_names(place: str):
    assert FAR.refusal([f"{place}:8080"], [f"http://{place}:8080"]) is None
    assert HERE.refusal([f"{place}:8080"], [f"http://{place}:8080"])


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example:8080",
        "lab-7.evil.example",
        "lab-7@evil.example",
        "evil.example@localhost:8080",
        "http://localhost:8080",
        "localhost:8080/",
        "localhost:8080, evil.example",
        "localhost:",
        "localhost:x",
        "localhost:8080\n",
        "[localhost]",
        "",
        " ",
        "é",
    ],
)
def test_another_name_is_refused(host: str):
    for ours in (HERE, FAR):
        assert "name that is not its own" in str(ours.refusal([host], []))
        assert ours.refusal([host], [f"http://{host}"])


def test_no_name_and_two_names_are_refused():
    assert HERE.refusal([], []) and HERE.refusal(["localhost", "localhost"], [])


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:3000",
        "http://localhost",
        "http://127.0.0.1:8080",
        "null",
        "",
        "localhost:8080",
        "file://localhost:8080",
        "http://localhost:8080/",
        "http://localhost:8080@evil.example",
        "http://localhost:80800",
    ],
)
def test_another_page_is_refused(origin: str):
    assert "another web page" in str(HERE.refusal(["localhost:8080"], [origin]))


def test_a_port_that_is_the_usual_one_need_not_be_said():
    assert HERE.refusal(["localhost:80"], ["http://localhost"]) is None
    assert HERE.refusal(["localhost"], ["https://localhost:443"]) is None
    assert HERE.refusal(["localhost"], ["http://localhost:443"])
    assert HERE.refusal(["localhost"], ["http://localhost", "http://localhost"])


def test_names_are_those_of_this_machine_and_the_one_that_was_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Lab-7")
    monkeypatch.setattr(socket, "getfqdn", lambda: "lab-7.example.org")
    for host, names in (
        ("127.0.0.1", set()),
        ("localhost", set()),
        ("0.0.0.0", {"0.0.0.0", "lab-7", "lab-7.local", "lab-7.example.org"}),
    ):
        opened = open_listener(host, 0)
        opened.listening.close()
        assert opened.names == names


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("127.0.0.1", 99999, r"--port must be from 0 to 65535, not 99999"),
        ("127.0.0.1", -1, r"--port must be from 0 to 65535, not -1"),
        ("no such host", 0, r"--host 'no such host' is neither an IP address nor a name"),
        ("", 0, r"--host '' is neither"),
        ("http://localhost:8080", 0, r"--host 'http://localhost:8080' is neither"),
        ("a" * 300, 0, r"--host 'a+' is neither"),
        ("192.0.2.1", 0, r"--host 192.0.2.1 is an address of another machine"),
    ],
)
def test_where_nobody_can_listen_the_flag_at_fault_is_named(host: str, port: int, words: str):
    with pytest.raises(ValueError, match=words):
        listen(host, port)


def test_a_port_of_the_system_s_and_a_taken_one_are_named(monkeypatch: pytest.MonkeyPatch):
    class Forbidden(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ValueError, match=r"Port \d+ on 127.0.0.1 is taken .* --port"):
            listen("127.0.0.1", taken.getsockname()[1])
    monkeypatch.setattr(listener.socket, "socket", Forbidden)
    with pytest.raises(ValueError, match=r"Port 80 is kept for the system's .* 1024"):
        listen("127.0.0.1", 80)
