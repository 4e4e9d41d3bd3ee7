"""Message to question, and answer to message: one module for each gRPC service that membership answers."""

from membership.rpc.register import SERVICE as SERVICE
from membership.rpc.register import Questions as Questions
