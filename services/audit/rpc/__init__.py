"""Message to question, and answer to message: one module for each gRPC service that audit answers."""

from audit.rpc.log_and_figures import SERVICE as SERVICE
from audit.rpc.log_and_figures import Questions as Questions
