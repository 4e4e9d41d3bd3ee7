"""How does a program live about as in a container where the machine lets nobody have mounts?

Same command, same variables, same files; but the files lie in a private folder and every path of theirs is rewritten, in the
command, the variables and the files; the user is whoever runs the tests; and names are asked of a server of the tests' own
(``dns://127.0.0.1:PORT/membership:50051``), or are addresses where a program has no other way to ask. Weaker than
:mod:`tests.deploy.container`: the root can be written, and everything on the machine is seen.
"""

import re
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

_QUESTION_HEAD = 12
_A, _IN = 1, 1
_NO_SUCH_NAME = 3


class Names(socketserver.UDPServer):
    """A server of the DNS that leads names to addresses (RFC 1035): UDP, on this machine.

    :param found: the addresses of a name, or None when there is no such name.
    """

    def __init__(self, found: Callable[[str], list[str] | None]) -> None:
        self.found = found
        super().__init__(("127.0.0.1", 0), _Question)
        threading.Thread(target=self.serve_forever, name="names", daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more."""
        self.shutdown()
        self.server_close()


class _Question(socketserver.BaseRequestHandler):
    server: Names

    def handle(self) -> None:
        asked, through = self.request
        through.sendto(answered(asked, self.server.found), self.client_address)


def answered(asked: bytes, found: Callable[[str], list[str] | None]) -> bytes:
    """The answer to one question of the DNS: the addresses of a name, all at once, for no longer than the moment."""
    end = asked.index(b"\0", _QUESTION_HEAD)
    labels, at = [], _QUESTION_HEAD
    while at < end:
        labels.append(asked[at + 1 : at + 1 + asked[at]].decode())
        at += 1 + asked[at]
    (kind,) = struct.unpack_from(">H", asked, end + 1)
    known = found(".".join(labels))
    records = b"".join(
        struct.pack(">HHHIH", 0xC000 | _QUESTION_HEAD, _A, _IN, 0, 4) + socket.inet_aton(address) for address in known or ()
    )
    count = len(known or ()) if kind == _A else 0
    flags = 0x8580 | (_NO_SUCH_NAME if known is None else 0)
    head = asked[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0)
    return head + asked[_QUESTION_HEAD : end + 5] + (records if kind == _A else b"")


def moved(text: str, places: Mapping[str, str]) -> str:
    """A text in which paths lead to where they are in fact.

    :param places: folders as the text says them, with where they are.
    """
    for path in sorted(places, key=len, reverse=True):
        text = re.sub(rf"(?<![\w/.-]){re.escape(path)}(?![\w.-])", places[path], text)
    return text


def laid_out(root: Path, files: Mapping[str, bytes], folders: Mapping[str, str]) -> dict[str, str]:
    """Where everything that a container would mount is to be put, by the path at which it expects it."""
    places = {str(Path(path).parent): f"{root}{Path(path).parent}" for path in files}
    for path, at in folders.items():
        places |= {path: at} if Path(at).is_dir() else {str(Path(path).parent): str(Path(at).parent)}
    return places


def put(root: Path, files: Mapping[str, bytes], rewritten: Callable[[str], str]) -> None:
    """Write the files, as only their owner may read them."""
    for path, content in files.items():
        file = Path(f"{root}{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(rewritten(content.decode()))
        file.chmod(0o400)
