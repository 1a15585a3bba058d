"""Where the page listens, and whom it lets in: requests that call it by a name of its own, from no other page.

A browser tells which name it was given (`Host`) and which page asks (`Origin`), and no page can change either. So the
second keeps other pages from pressing our buttons, and the first those whose own name was made to lead here (DNS
rebinding): whoever owns a name can point it at any address, but nobody owns an address, or `localhost`.
"""

import errno
import ipaddress
import re
import socket
from dataclasses import dataclass

WAITING = 100  # connections that the system takes before they are answered
USUAL = {"http": "80", "https": "443"}
PLACE = re.compile(r"(?:(https?)://)?(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([0-9]{1,5}))?", re.IGNORECASE)


@dataclass(frozen=True)
class Listener:
    """A socket that listens, and the names by which other machines may call it; none where they cannot reach it."""

    listening: socket.socket
    names: frozenset[str]

    def refusal(self, hosts: list[str], origins: list[str]) -> str | None:
        """Why a request with these headers is refused, in words; None where it is welcome.

        Through `ssh -L` the page has another port there than here: any port will do, as long as page and request
        agree on it. Whoever sends no `Origin` is no page.
        """
        host = PLACE.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if host is None or host[1] or not self._is_own(_plain(host[2])):
            return (
                "Refused: this viewer was called by a name that is not its own. Open it as localhost, or, if it was "
                "started with --host, by this machine's IP address, its own name, or the name given there."
            )
        if origins and not (len(origins) == 1 and _same(PLACE.fullmatch(origins[0]), host)):
            return "Refused: another web page than the viewer's own asked for this."
        return None

    def _is_own(self, name: str) -> bool:
        address = _address(name)
        if address is not None:
            return address.is_loopback or bool(self.names)
        return name == "localhost" or name in self.names


def open_listener(host: str, port: int) -> Listener:
    """Raises ValueError, naming the flag at fault, where nobody can listen there."""
    listening = listen(host, port)
    address = _address(listening.getsockname()[0])
    if address is not None and address.is_loopback:
        return Listener(listening, frozenset())
    return Listener(listening, frozenset({_plain(host), *_own_names()}))


def listen(host: str, port: int) -> socket.socket:
    """The same without the names."""
    if not 0 <= port <= 65535:
        raise ValueError(f"--port must be from 0 to 65535, not {port}.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host or ".", port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise ValueError(
            f"--host {host!r} is neither an IP address nor a name that is known here: 127.0.0.1 is this machine only, "
            "0.0.0.0 anybody who can reach it."
        ) from None
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # or a viewer that just ended would be in the way
        listening.bind(address)
        listening.listen(WAITING)
    except OSError as error:
        listening.close()
        raise ValueError(_in_words(error, host, port)) from None
    return listening


def _in_words(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program, perhaps a viewer: choose a free one with --port."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} is kept for the system's own programs: choose one from 1024 on with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"--host {host} is an address of another machine, or of none: 127.0.0.1 is this machine only, 0.0.0.0 "
            "anybody who can reach it."
        )
    return f"Nobody can listen on --host {host} --port {port} ({error.strerror})."


def _own_names() -> set[str]:
    full = {_plain(name) for name in (socket.gethostname(), socket.getfqdn())}
    short = {name.split(".")[0] for name in full} - {"localhost"}
    return full | short | {f"{name}.local" for name in short}


def _plain(name: str) -> str:
    return name.lower().strip("[]").removesuffix(".")


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _same(origin: "re.Match[str] | None", host: "re.Match[str]") -> bool:
    if origin is None or not origin[1]:
        return False
    usual = USUAL[origin[1].lower()]
    return (origin[2].lower(), origin[3] or usual) == (host[2].lower(), host[3] or usual)
