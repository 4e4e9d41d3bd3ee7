"""How does a province's system come to the events of its own branch, and to no other's?

Each granted branch has an account of its own in the NATS server, with one stream, `BRANCH`, that holds every event of the
branch as it was announced. See decision 15.
"""

from congdoan.provinces.granting import Credentials, grant, limit, make_streams, revoke
from congdoan.provinces.grants import Grant, Limits
from congdoan.provinces.hub import Hub

__all__ = ["Credentials", "Grant", "Hub", "Limits", "grant", "limit", "make_streams", "revoke"]
