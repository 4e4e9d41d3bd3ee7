// How does a province keep a copy of what is its own? In one SQLite file, by the protocol of docs/province.md.
//
//     npm ci
//     node subscriber.mjs ha-noi --server nats://HUB:4222 --credentials ha-noi.nk --ledger-key KEY     # or --figures 2024
//
// It ends with 4 when an event is missing, 5 at an event of another branch, 6 at a checkpoint that contradicts: then a person
// must look. What the copy holds, and what each event changes in it, stands in ../copy.sql. Node 22.13 or later.

import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, nkeyAuthenticator } from "@nats-io/transport-node";
import { accepted, sizeOf } from "./witness.mjs";

const [MISSING, FOREIGN, CONTRADICTS, CONSUMER_NOT_FOUND] = [4, 5, 6, 10014];
const [STREAM, BATCH, OURS] = ["BRANCH", 500, { domain: "branch", checkAPI: false }];
const names = ["server", "credentials", "ledger-key", "figures", "copy", "name", "once", "fast"];
const kinds = names.map((name) => [name, { type: name === "once" || name === "fast" ? "boolean" : "string" }]);
const { values: options, positionals } = parseArgs({ allowPositionals: true, options: Object.fromEntries(kinds) });
const [province, copy, name] = [positionals[0], options.copy ?? "copy.db", options.name ?? "javascript"];

const db = new DatabaseSync(copy);
const sql = {}; // the statements of copy.sql by the types of events they are for; the first of its paragraphs makes the tables
for (const paragraph of readFileSync(new URL("../copy.sql", import.meta.url), "utf8").split("\n\n").slice(1)) {
  const [types, ...lines] = paragraph.split("\n");
  const statements = lines.join("\n").split(/;(?:\n|$)/).filter((statement) => statement.trim());
  if (types === "-- tables") db.exec(statements.join(";"));
  else for (const type of types.split(" ").slice(1)) sql[type] = statements.map((statement) => db.prepare(statement));
}
const keepCheckpoint = db.prepare("insert or ignore into checkpoints values(?, ?, ?, ?)");

/** Nobody may pass over this: the program's exit code, and what is wrong. */
const refused = (exitCode, message) => Object.assign(new Error(message), { exitCode });

/** Take what comes until the line breaks; with --once, until nothing is left. */
async function session() {
  const authenticator = options.credentials && nkeyAuthenticator(readFileSync(options.credentials));
  const connection = await connect({ servers: options.server, authenticator, reconnect: false, pingInterval: 5000 });
  const positions = new Map(db.prepare("select * from positions").all().map((row) => [row.service, row.position]));
  let [consumers, read, number, batch] = [null, 0, 0, []];
  try {
    consumers = (await jetstreamManager(connection, OURS)).consumers;
    if (options.fast && positions.size === 0) {
      await inTransaction(async () => {
        positions.set("membership", await takeSnapshot(connection)); // membership's events go on from there
        sql.position[0].run("membership", positions.get("membership"));
      });
    }
    try {
      // Made anew where it stood, the consumer has nothing that waits for its redelivery.
      read = positions.size ? (await consumers.info(STREAM, name)).ack_floor.stream_seq : 0;
      await consumers.delete(STREAM, name);
    } catch (error) {
      if (error.code !== CONSUMER_NOT_FOUND) throw error;
    }
    const place = { deliver_policy: "by_start_sequence", opt_start_seq: read + 1, ack_policy: "all" };
    const made = await consumers.add(STREAM, { name, durable_name: name, ...place });
    if (made.num_pending === 0 && options.once) return;
    const consumer = await jetstream(connection, OURS).consumers.get(STREAM, name);
    for await (const message of await consumer.consume({ max_messages: 2 * BATCH, abort_on_missing_resource: true })) {
      number += 1;
      if (message.info.deliverySequence !== number) throw new Error("a message was lost on its way");
      batch.push(message);
      const left = message.info.pending;
      if (left > 0 && batch.length < BATCH) continue;
      await inTransaction(async () => {
        for (const each of batch) {
          const arrived = take(each, positions) === "membership.unit_arrived"; // its history is another branch's
          if (arrived) await takeSnapshot(connection);
        }
        for (const entry of positions) sql.position[0].run(...entry);
      });
      await message.ackAck(); // and with it all before: they are kept
      batch = [];
      if (left === 0 && options.once) return;
    }
    throw new Error("the line broke");
  } catch (error) {
    if (error.exitCode !== MISSING || read === 0) throw error;
    await consumers.delete(STREAM, name);
    throw new Error(`${error.message}; it is looked for from the beginning`);
  } finally {
    await connection.close();
  }
}

async function inTransaction(work) {
  db.exec("begin immediate");
  try {
    await work();
    db.exec("commit");
  } catch (error) {
    db.exec("rollback");
    throw error;
  }
}

/** Take one message, unless it was taken before; answers the type of an event that was not. */
function take(message, positions) {
  const [, service, branch] = message.subject.split(".");
  const header = (name) => message.headers.get(name);
  if (service === "ledger") return witness(branch, message.string(), header);
  if (header("ce-branch") !== province) throw refused(FOREIGN, `${header("ce-id")} is an event of another branch`);
  const [position, before, type] = [Number(header("ce-branchposition")), positions.get(service) ?? 0, header("ce-type")];
  if (!(position <= before + 1)) throw refused(MISSING, `after event ${before} of ${service} comes ${position}`);
  if (position <= before) return "";
  for (const statement of sql[type] ?? []) statement.run({ body: message.string() });
  positions.set(service, position);
  return type;
}

/** Put all units and members as they are now; answers the position of membership up to which they show what happened. */
async function takeSnapshot(connection) {
  let [answer, asked] = [null, {}];
  do {
    const page = (await connection.request("snapshot", JSON.stringify(asked), { timeout: 30_000 })).string();
    answer = JSON.parse(page);
    if (answer.error) throw new Error(answer.error.message);
    for (const statement of sql.snapshot) statement.run({ body: page });
    asked = { after: answer.next };
  } while (answer.next);
  return answer.position;
}

/** Keep a checkpoint of the ledger that goes on from the last one kept. */
function witness(service, note, header) {
  const found = sql.kept[0].all({ service, size: sizeOf(note) });
  const kept = new Map(found.map((row) => [row.size, Buffer.from(row.root)]));
  try {
    keepCheckpoint.run(service, ...accepted(service, note, header, options["ledger-key"], kept), note);
  } catch (error) {
    throw refused(CONTRADICTS, `ledger of ${service}: ${error.message}`);
  }
  return "";
}

if (options.figures) console.log(sql.figures[0].get({ year: BigInt(options.figures) }).document);
while (!options.figures) {
  const error = await session().catch((error) => error);
  if (!error) break;
  console.error(error.exitCode ? `REFUSED: ${error.message}` : `${error.message}; trying again`);
  if (error.exitCode) process.exit(error.exitCode);
  await sleep(1000);
}
