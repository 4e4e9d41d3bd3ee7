"""How is a branch granted its account, and how does that end? In steps that may each be repeated.

A grant: the public key is noted, the credentials are written, the server is told, the stream is made, the grant is
complete. A process killed anywhere leaves what the next one completes. The seed stands in the credentials alone.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from chassis.files import write_whole
from chassis.tokens import is_unit
from congdoan.provinces import branch_streams
from congdoan.provinces.configuration import BRANCH, PROVINCE_DOMAIN
from congdoan.provinces.grants import Grant, Grants, Limits
from congdoan.provinces.hub import Hub
from congdoan.provinces.keys import SEED_BYTES, key_in, public_key_of, seed_of


class NoCode(ValueError):
    """It cannot be the code of a branch."""


class AlreadyGranted(Exception):
    """The branch has an account; another key is a renewal."""


class NotGranted(Exception):
    """The branch has no account."""


class CredentialsInTheWay(Exception):
    """Where the credentials are to be written lies a file with another key, or none."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a province's system needs: the file with its secret, and where to go with it."""

    code: str
    file: Path
    public_key: str
    url: str
    leaf_url: str
    account: str
    domain: str
    stream: str
    limits: Limits

    @property
    def page(self) -> Path:
        """Where the instructions stand beside the file."""
        return self.file.with_suffix(".md")


async def grant(
    hub: Hub,
    code: str,
    out: Path,
    *,
    limits: Limits | None = None,
    renew: bool = False,
    now: datetime | None = None,
    entropy: Callable[[int], bytes] = os.urandom,
    finish: Callable[[Credentials], object] = lambda _: None,
) -> Credentials:
    """Let a branch in, or complete what was begun; with `renew`, by another key, in whose favour the old one ends.

    :param out: the folder of the credentials file, `<code>.nk`, which holds the seed of the key and nothing else.
    :param limits: other ones than before, or than usual.
    :param finish: what else belongs to the grant; called before it counts as complete.
    :raises NoCode, AlreadyGranted, NotGranted, CredentialsInTheWay: nothing was changed, but a lost stream was made.
    :raises HubUnavailable: the server does not answer; grant again, and it is completed.
    """
    if not is_unit(code):
        raise NoCode(code)
    file = out / f"{code}.nk"
    async with hub.grants.changing():
        found = hub.grants.get(code)
        if found and found.ending:
            await _end(hub, found)
            found = None
        if found and found.complete and not renew:
            await make_streams(hub, code)
            raise AlreadyGranted(code)
        wanted = _wanted(found, code, renew, now or datetime.now(UTC))
        wanted = replace(wanted, limits=limits or wanted.limits)
        begun = with_credentials(hub.grants, wanted, file, entropy)
        in_force = replace(begun, key=begun.next_key)
        await _apply_key(hub, in_force)
        async with hub.services() as client:
            await branch_streams.make(client, code)
        credentials = credentials_of(hub, in_force, file)
        finish(credentials)
        hub.grants.put(replace(in_force, next_key=""))
    return credentials


async def limit(hub: Hub, code: str, wanted: Mapping[str, int]) -> Limits:
    """Give a granted branch other limits, by their names; the others and its key stay. Answers all of them.

    :raises NotGranted: it has no account. :raises HubUnavailable: the server does not answer, or refuses.
    """
    async with hub.grants.changing():
        granted = _granted(hub, code)
        limits = replace(granted.limits, **wanted)
        await _apply(hub, replace(granted, limits=limits))
    return limits


async def revoke(hub: Hub, code: str) -> None:
    """Let nobody of a branch in any more, end their connections, and take account and stream away.

    :raises NotGranted: it has no account. :raises HubUnavailable: the server does not answer; revoke again.
    """
    async with hub.grants.changing():
        await _end(hub, _granted(hub, code))


async def make_streams(hub: Hub, *codes: str) -> None:
    """Make the streams of granted branches, of all if none is named, that were lost with the server's data.

    :raises HubUnavailable: the server does not answer.
    """
    async with hub.services() as client:
        for granted in hub.grants.all():
            if granted.complete and (not codes or granted.code in codes):
                await branch_streams.make(client, granted.code)


def credentials_of(hub: Hub, granted: Grant, file: Path) -> Credentials:
    """What the province of a grant needs to know."""
    url, leaf_url = f"nats://{hub.address}", f"nats-leaf://{hub.leaf_address}"
    return Credentials(granted.code, file, granted.key, url, leaf_url, granted.entrance, PROVINCE_DOMAIN, BRANCH, granted.limits)


def _wanted(found: Grant | None, code: str, renew: bool, now: datetime) -> Grant:
    if found is None:
        if renew:
            raise NotGranted(code)
        return Grant(code, now)
    return found


def with_credentials(grants: Grants, wanted: Grant, file: Path, entropy: Callable[[int], bytes] = os.urandom) -> Grant:
    """The public key is noted before the seed is written: no key comes into force that was not made for this grant.

    :raises CredentialsInTheWay: the file holds another key, or none.
    """
    there = key_in(file)
    if wanted.next_key and there == wanted.next_key:
        return wanted
    if there is not None and there not in (wanted.key, wanted.next_key):
        raise CredentialsInTheWay(str(file))
    seed = seed_of(entropy(SEED_BYTES))
    begun = replace(wanted, next_key=public_key_of(seed))
    grants.put(begun)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Without an end of line: some readers take a file as it is.
    write_whole(file, seed.encode())
    return begun


async def _end(hub: Hub, granted: Grant) -> None:
    await _apply_key(hub, replace(granted, ending=True))
    async with hub.services() as client:
        await branch_streams.remove(client, granted.code)
    hub.grants.remove(granted.code)
    hub.write()
    await hub.reload()


async def _apply(hub: Hub, changed: Grant) -> None:
    """Have the server keep to a changed grant; a client whose key is no more in force is turned out by it."""
    hub.grants.put(changed)
    hub.write()
    await hub.reload()


async def _apply_key(hub: Hub, changed: Grant) -> None:
    await _apply(hub, changed)
    await hub.turn_out_leaf_nodes(changed.entrance)


def _granted(hub: Hub, code: str) -> Grant:
    found = hub.grants.get(code)
    if found is None:
        raise NotGranted(code)
    return found
