"""A contract for tests, compiled when it is imported; `PROBE` is its file, `message` gives its classes."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from federation.contract.v1 import contract_pb2  # noqa: F401 - the probe stands on it, so it must be in the pool first

HERE = Path(__file__).parent
CONTRACT = HERE.parents[1] / "proto"


def _compiled(name: str) -> FileDescriptor:
    with TemporaryDirectory() as folder:
        out = Path(folder) / "set.binpb"
        subprocess.run(
            [sys.executable, "-m", "grpc_tools.protoc", f"-I{HERE}", f"-I{CONTRACT}", f"--descriptor_set_out={out}", name],
            check=True,
        )
        data = out.read_bytes()
    pool = descriptor_pool.Default()
    [file] = FileDescriptorSet.FromString(data).file
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindFileByName(name)


PROBE = _compiled("probe.proto")
PROBE_SERVICE: ServiceDescriptor = PROBE.services_by_name["ProbeService"]
CARELESS_SERVICE: ServiceDescriptor = PROBE.services_by_name["CarelessService"]


def message(name: str, /, **fields: Any) -> Any:
    """A message of the probe."""
    return message_factory.GetMessageClass(PROBE.message_types_by_name[name])(**fields)
