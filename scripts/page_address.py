"""Where a page is that this program serves, in words to follow."""

import socket

from .flags.choices import LOCAL


def page_url(host: str, port: int) -> str:
    if host in (LOCAL, "0.0.0.0", "::", "::1"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def how_to_open(host: str, port: int) -> list[str]:
    """What a person needs to open the page, from here and from afar."""
    lines = [f"Open {page_url(host, port)} in a browser. Ctrl-C ends it."]
    if host == LOCAL:
        lines.append(
            f"From another machine: ssh -L {port}:localhost:{port} USER@THIS_MACHINE, then the same address there."
        )
    elif host in ("0.0.0.0", "::"):
        named = page_url(socket.gethostname(), port)
        lines.append(f"From another machine: {named}, or this machine's IP address in place of its name.")
    return lines
