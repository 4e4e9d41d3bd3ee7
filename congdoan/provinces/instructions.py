"""What is a province's IT team told? One page: where to connect, what it may do, and how, in three ways."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chassis.cloudevents import ROOT
from chassis.files import write_whole
from chassis.streams import checkpoint_subject
from congdoan.provinces.configuration import API, BRANCH, MIRROR, SNAPSHOT
from congdoan.provinces.granting import Credentials
from congdoan.texts import Language

MIRRORED: Mapping[str, Any] = {
    "name": BRANCH,
    "storage": "file",
    "discard": "new",
    "mirror": {"name": BRANCH, "external": {"api": API, "deliver": MIRROR}},
}
"""The stream of a leaf node that mirrors the branch's: the body of `$JS.API.STREAM.CREATE.BRANCH` there."""


def write_page(credentials: Credentials, language: Language) -> None:
    """Write the page beside the credentials."""
    write_whole(credentials.page, page(credentials, language).encode(), 0o644)


def leaf_configuration(credentials: Credentials, *, listen: str, store: str, seed: str) -> str:
    """The configuration of a leaf node.

    :param seed: of the credentials; or `$NAME`, a variable of the environment that holds it.
    """
    written = seed if seed.startswith("$") else json.dumps(seed)
    return f"""\
server_name: {credentials.code}-mirror
listen: "{listen}"
jetstream {{ store_dir: {json.dumps(store)}, domain: {credentials.code} }}
leafnodes {{ remotes: [ {{ urls: ["{credentials.leaf_url}"], nkey: {written} }} ] }}
"""


def page(credentials: Credentials, language: Language) -> str:
    """The page; it holds no secret."""
    leaf = leaf_configuration(credentials, listen="127.0.0.1:4222", store="./jetstream", seed="$SEED")
    facts = {
        "code": credentials.code,
        "file": credentials.file.name,
        "url": credentials.url,
        "leaf_url": credentials.leaf_url,
        "account": credentials.account,
        "domain": credentials.domain,
        "stream": credentials.stream,
        "subject": f"{ROOT}.*.{credentials.code}.>",
        "checkpoints": checkpoint_subject(),
        "snapshot": SNAPSHOT,
        "leaf": leaf,
        "mirror": json.dumps(MIRRORED),
        **{name: _number(number, language) for name, number in asdict(credentials.limits).items()},
    }
    text = _PAGES[language]
    for name, value in facts.items():
        text = text.replace(f"<{name}>", value)
    return text


def _number(number: int, language: Language) -> str:
    return f"{number:,}".replace(",", ".") if language == "vi" else f"{number:,}"


_PYTHON = """\
```python
import asyncio, nats                                  # pip install nats-py nkeys

async def main():
    client = await nats.connect("<url>", nkeys_seed="<file>", max_reconnect_attempts=-1)
    branch = client.jetstream(domain="<domain>")
    reading = await branch.pull_subscribe("", durable="reader", stream="<stream>")
    while True:
        try:
            messages = await reading.fetch(100, timeout=30)
        except nats.errors.TimeoutError:
            continue
        for message in messages:
            print(message.headers["ce-id"], message.subject, message.data.decode())
            await message.ack()                       # {ack}

asyncio.run(main())
```
"""

_JAVASCRIPT = """\
```javascript
import { readFileSync } from "node:fs";               // npm install @nats-io/transport-node @nats-io/jetstream
import { connect, nkeyAuthenticator } from "@nats-io/transport-node";
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";

const client = await connect({ servers: "<url>", authenticator: nkeyAuthenticator(readFileSync("<file>")) });
const manager = await jetstreamManager(client, { domain: "<domain>", checkAPI: false });
await manager.consumers.add("<stream>", { durable_name: "reader", ack_policy: AckPolicy.Explicit });
const consumer = await jetstream(client, { domain: "<domain>", checkAPI: false }).consumers.get("<stream>", "reader");
for await (const message of await consumer.consume()) {
  console.log(message.headers.get("ce-id"), message.subject, message.string());
  message.ack();
}
```
"""

_CLI = """\
```console
$ nats --server <url> --nkey <file> --js-domain <domain> consumer add <stream> reader --pull --defaults
$ nats --server <url> --nkey <file> --js-domain <domain> consumer next <stream> reader --count 10
```
"""

_LEAF = """\
```text
<leaf>```

```console
$ SEED=$(cat <file>) nats-server -c leaf.conf
$ nats --server nats://127.0.0.1:4222 request '$JS.API.STREAM.CREATE.<stream>' '<mirror>'
```
"""

_PAGES: Mapping[Language, str] = {
    "vi": f"""\
# Nhận sự kiện của `<code>`

Tệp `<file>` là khoá bí mật của hệ thống anh chị: ai có tệp này thì đọc được mọi sự kiện của đơn vị. Giữ tệp
ở chế độ 0600, không gửi qua thư điện tử. Nếu lộ, báo ngay cho Công đoàn Viên chức Việt Nam để thu hồi
(`congdoan provinces revoke <code>`) hoặc thay khoá (`--renew`).

| | |
|---|---|
| Địa chỉ | `<url>` |
| Tài khoản | `<account>` |
| Miền JetStream (domain) | `<domain>` – phải khai báo trong mọi lời gọi JetStream |
| Luồng sự kiện | `<stream>` |
| Chủ đề | `<subject>`, và mốc chốt sổ `<checkpoints>` |
| Ảnh chụp hiện trạng | gửi yêu cầu đến `<snapshot>` |

Mỗi sự kiện mang số thứ tự riêng của đơn vị trong `ce-branchposition`, liên tục từ 1 cho từng dịch vụ
(`ce-source`). Số nhỏ hơn hoặc bằng số đã nhận: đã thấy, bỏ qua. Đúng số kế tiếp: nhận. Lớn hơn: thiếu sự
kiện, phải dừng và đọc lại từ đầu. Sự kiện có thể đến lại; `ce-id` không đổi. Chỉ dùng bộ đọc kéo (pull
consumer) và xác nhận (ack) sau khi đã ghi vào cơ sở dữ liệu của mình; một yêu cầu kéo chờ tối đa 60 giây.

## Hạn mức

| | |
|---|--:|
| Kết nối cùng lúc | <connections> |
| Nút lá cùng lúc | <leaf_nodes> |
| Đăng ký (subscription) | <subscriptions> |
| Bộ đọc (consumer) | <consumers> |
| Dung lượng luồng (byte) | <bytes> |
| Sự kiện đã giao, chưa xác nhận, mỗi bộ đọc | <acknowledgements> |
| Cỡ thông điệp gửi lên (byte) | <payload> |

## Python

{_PYTHON.replace("{ack}", "sau khi đã ghi xong")}
## JavaScript

{_JAVASCRIPT}
## Dòng lệnh `nats`

{_CLI}
## Bản sao tại đơn vị (nút lá)

Máy chủ NATS riêng (từ bản 2.15) giữ một bản sao của luồng sự kiện; mất mạng bao lâu cũng tự bắt kịp. Lưu cấu
hình sau vào `leaf.conf`:

{_LEAF}""",
    "en": f"""\
# Receiving the events of `<code>`

`<file>` is your system's secret key: whoever has it reads every event of your branch. Keep its mode 0600 and
never mail it. If it leaks, tell the federation at once, which revokes it (`congdoan provinces revoke <code>`) or
replaces it (`--renew`).

| | |
|---|---|
| Address | `<url>` |
| Account | `<account>` |
| JetStream domain | `<domain>`: say it in every call of JetStream |
| Stream | `<stream>` |
| Subjects | `<subject>`, and the ledger's checkpoints `<checkpoints>` |
| Snapshot of the present state | ask on `<snapshot>` |

Each event has a number of your branch's own in `ce-branchposition`, without a gap from 1 for each service
(`ce-source`). Lower than or equal to what you have: seen before, skip it. The next one: take it. Higher:
something is missing; stop, and read again from the beginning. Events may come again; `ce-id` stays the same. Use
pull consumers only, and acknowledge after your own commit; a pull request waits for 60 seconds at most.

## Limits

| | |
|---|--:|
| Connections at the same time | <connections> |
| Leaf nodes at the same time | <leaf_nodes> |
| Subscriptions | <subscriptions> |
| Consumers | <consumers> |
| Bytes of the stream | <bytes> |
| Events given and not acknowledged, for each consumer | <acknowledgements> |
| Bytes of a message that you send | <payload> |

## Python

{_PYTHON.replace("{ack}", "after your own commit")}
## JavaScript

{_JAVASCRIPT}
## The command `nats`

{_CLI}
## A mirror of your own (leaf node)

A nats-server of your own (2.15 or later) keeps a copy of the stream, and catches up by itself however long it was
cut off. Write this to `leaf.conf`:

{_LEAF}""",
}
