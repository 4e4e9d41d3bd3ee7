"""How does a province keep a copy of what is its own? In one SQLite file, by the protocol of docs/province.md.

    pip install -r requirements.txt
    python subscriber.py ha-noi --server nats://HUB:4222 --credentials ha-noi.nk --ledger-key KEY   # or --figures 2024

It ends with 4 when an event is missing, 5 at an event of another branch, 6 at a checkpoint that contradicts: then a person
must look. What the copy holds, and what each event changes in it, stands in ../copy.sql. Python 3.11, SQLite 3.38 or later.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

import nats
from nats.js.errors import NotFoundError
from witness import accepted, size_of

MISSING, FOREIGN, CONTRADICTS, STREAM, BATCH = 4, 5, 6, "BRANCH", 500
PARAGRAPHS = [text.partition("\n") for text in (Path(__file__).parents[1] / "copy.sql").read_text("utf-8").split("\n\n")[1:]]
SQL = {name: text.strip(" ;\n").split(";\n") for names, _, text in PARAGRAPHS for name in names.split()[1:]}


class Refused(Exception):
    """Nobody may pass over this: the program's exit code, and what is wrong."""


class Subscriber:
    def __init__(self, db: sqlite3.Connection, options: argparse.Namespace) -> None:
        self.db, self.options, self.positions = db, options, defaultdict[str, int](int)

    async def session(self) -> None:
        """Take what comes until the line breaks; with --once, until nothing is left."""
        line: dict[str, Any] = {"allow_reconnect": False, "ping_interval": 5, "connect_timeout": 10}
        connection = await nats.connect(self.options.server, nkeys_seed=self.options.credentials, **line)
        js, name, read, number = connection.jetstream(domain="branch"), self.options.name, 0, 0
        try:
            self.positions = defaultdict(int, self.db.execute("select service, position from positions"))
            if self.options.fast and not self.positions:
                with self.db:  # membership's events go on from there
                    self.positions["membership"] = await self.take_snapshot(connection)
                    self.db.executemany(SQL["position"][0], self.positions.items())
            with suppress(NotFoundError):  # Made anew where it stood, the consumer has nothing that waits for its redelivery.
                read = (await js.consumer_info(STREAM, name)).ack_floor.stream_seq if self.positions else 0
                await js.delete_consumer(STREAM, name)
            place: dict[str, Any] = {"deliver_policy": "by_start_sequence", "opt_start_seq": read + 1, "ack_policy": "all"}
            left = (await js.add_consumer(STREAM, name=name, durable_name=name, **place)).num_pending
            pull = await js.pull_subscribe_bind(name, STREAM)
            while left or not self.options.once:
                try:
                    messages = await pull.fetch(BATCH, timeout=5)
                except TimeoutError:
                    await pull.consumer_info()  # NotFoundError: nothing comes because somebody took the consumer away
                    continue
                number += len(messages)
                if messages[-1].metadata.sequence.consumer != number:
                    raise ConnectionError("a message was lost on its way")
                with self.db:
                    for message in messages:
                        if self.take(message) == "membership.unit_arrived":  # its history is another branch's
                            await self.take_snapshot(connection)
                    self.db.executemany(SQL["position"][0], self.positions.items())
                await messages[-1].ack_sync()  # and with it all before: they are kept
                left = messages[-1].metadata.num_pending
        except Refused as refused:
            if refused.args[0] != MISSING or not read:
                raise
            await js.delete_consumer(STREAM, name)
            raise ConnectionError(f"{refused.args[1]}; it is looked for from the beginning") from None
        finally:
            await connection.close()

    def take(self, message: Any) -> str:
        """Take one message, unless it was taken before; answers the type of an event that was not."""
        headers, (_, service, branch, *_) = message.headers, message.subject.split(".")
        if service == "ledger":
            return self.keep_checkpoint(branch, message)
        if headers["ce-branch"] != self.options.province:
            raise Refused(FOREIGN, f"{headers['ce-id']} is an event of another branch")
        position, before, type_ = int(headers["ce-branchposition"]), self.positions[service], str(headers["ce-type"])
        if position > before + 1:
            raise Refused(MISSING, f"after event {before} of {service} comes {position}")
        if position <= before:
            return ""
        for statement in SQL.get(type_, ()):
            self.db.execute(statement, {"body": message.data.decode()})
        self.positions[service] = position
        return type_

    async def take_snapshot(self, connection: Any) -> int:
        """Put all units and members as they are now; answers the position of membership up to which they show what happened."""
        asked = dict[str, str]()
        while asked.get("after", "") is not None:
            answer = json.loads(
                page := (await connection.request("snapshot", json.dumps(asked).encode(), timeout=30)).data.decode()
            )
            if "error" in answer:
                raise ConnectionError(answer["error"]["message"])
            for statement in SQL["snapshot"]:
                self.db.execute(statement, {"body": page})
            asked["after"] = answer["next"]
        return int(answer["position"])

    def keep_checkpoint(self, service: str, message: Any) -> str:
        """Keep a checkpoint of the ledger that goes on from the last one kept."""
        kept = dict(self.db.execute(SQL["kept"][0], {"service": service, "size": size_of(message.data)}))
        try:
            size, root = accepted(service, message.data, message.headers, self.options.ledger_key or "", kept)
        except ValueError as error:
            raise Refused(CONTRADICTS, f"ledger of {service}: {error}") from error
        self.db.execute("insert or ignore into checkpoints values(?, ?, ?, ?)", [service, size, root, message.data.decode()])
        return ""


async def follow(subscriber: Subscriber) -> None:
    while True:
        try:
            return await subscriber.session()
        except Refused as refused:
            print(f"REFUSED: {refused.args[1]}", file=sys.stderr)
            sys.exit(refused.args[0])
        except (nats.errors.Error, OSError) as error:
            print(f"{error or error!r}; trying again", file=sys.stderr)
            await asyncio.sleep(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("province")
    for option in ("--server", "--credentials", "--ledger-key"):
        parser.add_argument(option)
    parser.add_argument("--copy", default="copy.db")
    parser.add_argument("--name", default="python", help="of the consumer: another one for another copy")
    parser.add_argument("--once", action="store_true", help="end when nothing is left")
    parser.add_argument("--fast", action="store_true", help="begin with units and members as they are now")
    parser.add_argument("--figures", type=int, metavar="YEAR")
    options = parser.parse_args()
    db = sqlite3.connect(options.copy)
    db.executescript(";".join(SQL["tables"]))
    if not options.figures:
        asyncio.run(follow(Subscriber(db, options)))
    else:
        print(*db.execute(SQL["figures"][0], {"year": options.figures}).fetchone())
