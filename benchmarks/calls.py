"""How many commands a second does a service take over gRPC, one by one and in batches?"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import psycopg

from benchmarks.admissions import OFFICER, admission_request, at_once, unit_requests
from benchmarks.ground import SECRET, Ground, empty_stream
from benchmarks.measuring import Row, race
from benchmarks.sizes import IN_FLIGHT
from chassis.clients import RpcClient, open_channel
from chassis.database import migrate
from chassis.settings import Settings
from congdoan.embedded import reserve_port
from federation.contract.v1.contract_pb2 import BatchAnswer, CommandAnswer
from federation.membership.v1 import membership_pb2 as pb
from membership.rpc import SERVICE
from membership.wiring import real

BATCH = 100
BATCHES_IN_FLIGHT = 16
COMMIT = 1_000
PATIENCE_S = 60.0


def rows(ground: Ground) -> list[Row]:
    """Ours against what gRPC, and what the driver of the database, can do at best."""
    return [
        race(
            f"full command over gRPC, {IN_FLIGHT} in flight",
            lambda: one_by_one(ground),
            {"empty gRPC echo": lambda: echoed(ground)},
            0.5,
        ),
        race(
            f"commands in batches of {BATCH} over gRPC",
            lambda: in_batches(ground),
            {f"psycopg COPY, {COMMIT:,} rows a commit": lambda: copied(ground)},
            0.3,
        ),
    ]


def one_by_one(ground: Ground) -> float:
    """A command a call: identity, rights, idempotency, decision, commit."""

    async def run(client: RpcClient) -> float:
        requests = iter([admission_request() for _ in range(ground.sizes.commands)])
        return await at_once(
            IN_FLIGHT, ground.sizes.commands, lambda: client.call("AdmitMember", next(requests), timeout_s=PATIENCE_S)
        )

    return asyncio.run(_with_membership(ground, run))


def in_batches(ground: Ground) -> float:
    """A hundred commands a call."""

    async def run(client: RpcClient) -> float:
        batches = [_batch() for _ in range(ground.sizes.batches)]
        requests = iter(batches)

        async def admit() -> None:
            answer: BatchAnswer = await client.call("BatchAdmitMember", next(requests), timeout_s=PATIENCE_S)
            assert all(item.HasField("answer") for item in answer.items)

        return BATCH * await at_once(min(BATCHES_IN_FLIGHT, len(batches)), len(batches), admit)

    return asyncio.run(_with_membership(ground, run))
