"""How does a client of NATS know whom it talks to? Its address says by whose certificate.

``tls://user:password@nats:4222?authority=/run/tls/ca.crt``: the server must show a certificate for its name, of an authority in
the file; of one that the machine trusts when no file is named. ``nats://`` is without TLS.
"""

import ssl
from typing import Any
from urllib.parse import parse_qs, urlsplit


def secured(url: str) -> dict[str, Any]:
    """What nats-py is told besides such an address.

    :raises OSError: the file cannot be read; :raises ssl.SSLError: it holds no certificate.
    """
    parts = urlsplit(url)
    if parts.scheme != "tls":
        return {}
    (authority,) = parse_qs(parts.query).get("authority", [None])
    return {"tls": ssl.create_default_context(cafile=authority)}
