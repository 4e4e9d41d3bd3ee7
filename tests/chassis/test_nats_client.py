"""Are headers read as nats-py reads them, and does a connection outlive a pong that nobody waits for?"""

import os
import signal

from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client as LibraryClient
from nats.errors import FlushTimeoutError

from chassis.nats_client import Client
from congdoan.embedded import EmbeddedNats

PIECES = st.sampled_from([b"\r\n", b":", b" ", b"\t", b"\x1c", b"\xc3\xa9", b"\xff", b"Status", b"ce-id", b"membership/1", b"{}"])


@given(raw=st.lists(PIECES, max_size=20).map(b"".join) | st.binary(max_size=80))
def test_headers_are_what_the_library_makes_of_them(raw: bytes) -> None:
    assert Client._parse_header_lines(raw) == LibraryClient._parse_header_lines(raw)


def test_the_library_asks_this_client_for_them() -> None:
    assert "_parse_header_lines" in LibraryClient._process_headers.__code__.co_names


async def test_a_pong_that_nobody_waits_for_any_more_ends_no_connection(own_nats: EmbeddedNats) -> None:
    client = Client()
    await client.connect(own_nats.url)
    assert own_nats.pid
    try:
        os.kill(own_nats.pid, signal.SIGSTOP)
        try:
            while await answered(client):
                continue  # some threads of the server go on for a moment
        finally:
            os.kill(own_nats.pid, signal.SIGCONT)
        assert (await client.request("$JS.API.INFO", b"", timeout=20)).data
    finally:
        await client.close()


async def answered(client: Client) -> bool:
    """Whether a pong comes before nobody waits for it any more."""
    try:
        await client.flush(timeout=1)
    except FlushTimeoutError:
        return False
    return True
