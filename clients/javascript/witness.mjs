// May a checkpoint of the ledger follow on those that are kept? Word by word as docs/decisions/0017 says it; pure.
//
// A checkpoint is a signed note: origin, number of events, root of their tree (RFC 6962), time; an empty line; signatures.

import { createHash, createPublicKey, verify } from "node:crypto";

const SPKI = Buffer.from("302a300506032b6570032100", "hex"); // what stands before a raw Ed25519 key in DER

/**
 * The size and root to keep; they may be kept already. Throws when nobody may pass over this checkpoint.
 *
 * `key` is the ledger's ("name+id+key"), `kept` a Map from sizes to roots, Buffers: of the last checkpoint kept, and of this size
 * if one is.
 */
export function accepted(service, note, headers, key, kept) {
  const [origin, number, told, time] = signedText(note, key).split("\n");
  const [size, root, last] = [whole(number), hash(told), Math.max(0, ...kept.keys())];
  if (origin !== `congdoan/${service}` || !time?.startsWith("time ") || size < 1)
    throw new Error(`it is no checkpoint of ${service}`);
  if (kept.has(size)) {
    if (kept.get(size).equals(root)) return [size, root];
    throw new Error(`another root is kept of the first ${size} events: two histories were signed`);
  }
  const previous = whole(headers("ledger-previous-size"));
  if (previous !== last || size < last)
    throw new Error(`${size} events go on from ${previous}, and the last that are kept are ${last}`);
  const proof = headers("ledger-consistency").split(",").filter(Boolean).map(hash);
  if (!goesOn(last, kept.get(last), size, root, proof))
    throw new Error(`the first ${last} of these ${size} events are not those that are kept: history was rewritten`);
  return [size, root];
}

/** The size that a note says, whoever wrote it; 0 when it says none. */
export function sizeOf(note) {
  const [, line] = note.split("\n");
  return /^\d{1,15}$/.test(line) ? Number(line) : 0;
}

/** The text of a note that a key signed. */
function signedText(note, key) {
  const [name, id, ...rest] = key.split("+");
  const end = note.lastIndexOf("\n\n");
  const lines = note.slice(end + 2).split("\n").filter((line) => line.startsWith(`— ${name} `));
  const found = lines.map((line) => Buffer.from(line.split(" ")[2], "base64")).find((data) => data.toString("hex", 0, 4) === id);
  const raw = Buffer.from(rest.join("+"), "base64").subarray(1);
  const trusted = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: "der", type: "spki" });
  const text = note.slice(0, end + 1);
  if (end < 0 || !found || !verify(null, Buffer.from(text), trusted, found.subarray(4)))
    throw new Error("the ledger did not sign it");
  return text;
}

/** Whether a tree begins with a smaller one, as a proof shows (RFC 6962, 2.1.2). */
function goesOn(before, beforeRoot, size, root, proof) {
  if (before === 0) return proof.length === 0;
  const shown = roots(before, size, beforeRoot, proof);
  return shown !== null && proof.length === 0 && shown[0].equals(beforeRoot) && shown[1].equals(root);
}

/** The roots of the first `before` and of all `size` events; the proof is used up from its end. */
function roots(before, size, kept, proof) {
  if (before === size) {
    const root = kept ?? proof.pop();
    return root ? [root, root] : null;
  }
  const part = proof.pop();
  let half = 1;
  while (half * 2 < size) half *= 2;
  const below = before <= half ? roots(before, half, kept, proof) : roots(before - half, size - half, null, proof);
  if (!part || !below) return null;
  return before <= half ? [below[0], node(below[1], part)] : [node(part, below[0]), node(part, below[1])];
}

const node = (left, right) => createHash("sha256").update(Buffer.concat([Buffer.of(1), left, right])).digest();

function whole(text) {
  if (!/^\d{1,15}$/.test(text)) throw new Error("it is no checkpoint: a size is missing");
  return Number(text);
}

function hash(text) {
  const data = Buffer.from(text ?? "", "base64");
  if (data.length !== 32 || data.toString("base64") !== text) throw new Error("it is no checkpoint: a hash is missing");
  return data;
}
