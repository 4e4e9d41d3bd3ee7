"""How is a public key of Ed25519 told as JSON? As a JSON Web Key of kind OKP (RFC 8037)."""

from jwt.utils import base64url_encode


def okp_of(public: bytes) -> dict[str, str]:
    """The members that the key must have; sorted, its thumbprint is of these alone (RFC 7638).

    :param public: 32 bytes.
    """
    return {"crv": "Ed25519", "kty": "OKP", "x": as_text(public)}


def as_text(data: bytes) -> str:
    """Bytes as base64url, without padding."""
    return base64url_encode(data).decode()
