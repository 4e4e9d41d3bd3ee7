// Load a stream and append one event to it, so many at once; prints how many a second.
import { getPostgreSQLEventStore } from "@event-driven-io/emmett-postgresql";
import { randomUUID } from "node:crypto";

const [connection, inFlight, total] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const store = getPostgreSQLEventStore(connection);
const joined = () => ({ type: "MemberJoined", data: { unit: "so-y-te", fullName: "Nguyễn Thị Minh Khai" } });
const streams = Array.from({ length: inFlight }, () => `member-${randomUUID()}`);
for (const stream of streams) await store.appendToStream(stream, [joined()]);

async function work(stream, times) {
  for (let n = 0; n < times; n++) {
    const { currentStreamVersion } = await store.readStream(stream, { from: BigInt(Math.max(0, n - 1)) });
    await store.appendToStream(stream, [joined()], { expectedStreamVersion: currentStreamVersion });
  }
}

const began = process.hrtime.bigint();
await Promise.all(streams.map((stream) => work(stream, Math.floor(total / inFlight))));
console.log(total / (Number(process.hrtime.bigint() - began) / 1e9));
await store.close();
process.exit(0);
