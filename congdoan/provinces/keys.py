"""What is a province's key? An nkey of a user: Ed25519, written as letters and digits that tell what they are."""

import base64
from pathlib import Path

import nkeys

from congdoan.json_web_keys import okp_of

SEED_BYTES = 32


class NotASeed(ValueError):
    """What should be the seed of a user's nkey is none. The message never holds it."""


def seed_of(entropy: bytes) -> str:
    """The seed (`SU…`) of a new user key made of 32 random bytes; it is the whole secret."""
    return bytes(nkeys.encode_seed(entropy, nkeys.PREFIX_BYTE_USER)).decode()


def public_key_of(seed: str) -> str:
    """The public key (`U…`) of a seed.

    :raises NotASeed: it is not the seed of a user.
    """
    try:
        found = bytes(nkeys.from_seed(bytearray(seed.strip().encode())).public_key).decode()
    except Exception as error:
        raise NotASeed("not the seed of an nkey") from error
    if not found.startswith("U"):
        raise NotASeed("the seed is not a user's")
    return found


def raw_public_key(public_key: str) -> bytes:
    """The 32 bytes of Ed25519 within a public key: a prefix stands before them, a checksum of two bytes after them."""
    return base64.b32decode(public_key + "=" * (-len(public_key) % 8))[1:33]


def raw_private_key(seed: str) -> bytes:
    """The 32 bytes of Ed25519 within a seed, with which a province signs its tokens."""
    text = seed.strip()
    return base64.b32decode(text + "=" * (-len(text) % 8))[2:34]


def jwk_of(public_key: str, unit: str) -> dict[str, str]:
    """The public key as a JSON Web Key (RFC 8037), bound to the unit for which alone it speaks."""
    return {**okp_of(raw_public_key(public_key)), "kid": public_key, "alg": "EdDSA", "use": "sig", "unit": unit}


def key_in(file: Path) -> str | None:
    """The public key of a credentials file, empty when it holds none; None when there is no file."""
    try:
        return public_key_of(file.read_text())
    except FileNotFoundError:
        return None
    except (NotASeed, ValueError):
        return ""
