"""Questions asked without a server: with the rights that the call of such a caller would have."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from chassis.calls import is_for_auditors, need_of
from chassis.commands import Call
from chassis.rpc import Query
from chassis.security import Rights, Tree


async def ask(
    answers: Mapping[str, Query], contract: ServiceDescriptor, tree: Tree, rpc: str, call: Call, /, **fields: Any
) -> Any:
    """Ask a question by the name of its RPC.

    :raises AssertionError: it answers without having asked whether it may.
    """
    method = contract.methods_by_name[rpc]
    rights = Rights(call.caller, need_of(method), tree, reading=is_for_auditors(method))
    answer = await answers[rpc](GetMessageClass(method.input_type)(**fields), replace(call, rights=rights))
    assert rights.asked, f"{rpc} answered without asking for the right"
    return answer
