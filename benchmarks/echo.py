"""How fast is gRPC itself? ``python -m benchmarks.echo ADDRESS`` sends back what it is sent."""

import sys
from typing import Any

import grpc
import uvloop

from federation.contract.v1.contract_pb2 import CommandAnswer

PATH = "/benchmarks.Echo/Echo"


async def serve(address: str) -> None:
    """Answer until the process is ended."""
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        _echo, request_deserializer=CommandAnswer.FromString, response_serializer=CommandAnswer.SerializeToString
    )
    _, service, method = PATH.split("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


async def _echo(request: CommandAnswer, context: Any) -> CommandAnswer:
    return request


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
