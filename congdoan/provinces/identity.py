"""As whom does a province's system call the services? As its unit's, by tokens that it signs with its own key.

The key is the one by which it enters NATS (``<code>.nk``), so one file is all that it keeps secret. A token lives for
minutes, and another is made when it is needed.
"""

import time
from collections.abc import Callable
from pathlib import Path

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.credentials import Token, renewed
from chassis.province_tokens import ISSUER, MAX_LIFETIME_S
from chassis.security import PROVINCE, Role
from chassis.tokens import is_unit
from congdoan.issuer import AUDIENCE
from congdoan.provinces.keys import NotASeed, public_key_of, raw_private_key

LIFETIME_S = 10 * 60
RENEWED_BEFORE_S = 120


def read_seed(file: Path) -> str:
    """The seed in a province's credentials file, which holds nothing else.

    :raises NotASeed: it is none; :raises OSError: the file cannot be read.
    """
    try:
        seed = file.read_text(encoding="ascii").strip()
    except UnicodeDecodeError:
        raise NotASeed("not the seed of an nkey") from None
    public_key_of(seed)
    return seed


def province_token(seed: str, code: str, now: float, *, lifetime_s: float = LIFETIME_S, audience: str = AUDIENCE) -> str:
    """A token by which the system of a province is known, for a quarter of an hour at most.

    :param seed: of the key that the province was granted; :param code: of its unit.
    :param now: seconds since 1970.
    :raises NotASeed: it is not the seed of a user; :raises ValueError: a longer life than would be accepted.
    """
    if not 0 < lifetime_s <= MAX_LIFETIME_S:
        raise ValueError(f"a token of a province lives for {MAX_LIFETIME_S} s at most")
    public_key, made = public_key_of(seed), int(now)
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "sub": f"{PROVINCE}{code}",
        "role": Role.PROVINCE_OFFICER.name.lower(),
        "unit": code,
        "iat": made,
        "nbf": made,
        "exp": made + int(lifetime_s),
    }
    signing = Ed25519PrivateKey.from_private_bytes(raw_private_key(seed))
    return jwt.PyJWS().encode(orjson.dumps(claims), signing, "EdDSA", headers={"kid": public_key, "typ": "JWT"})


def token_of_file(file: Path) -> Token:
    """Gives the tokens of the province whose credentials file it is, ``<code>.nk``: its name says whose.

    :raises NotASeed: it holds none, or its name is no code; :raises OSError: the file cannot be read.
    """
    if not is_unit(file.stem):
        raise NotASeed("the file is not named for a unit")
    return token_source(read_seed(file), file.stem)


def token_source(seed: str, code: str, clock: Callable[[], float] = time.time) -> Token:
    """Gives a token that is good for a while, making another when the last one is about to end."""
    return renewed(lambda now: province_token(seed, code, now), LIFETIME_S - RENEWED_BEFORE_S, clock)
