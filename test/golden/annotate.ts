/** sizeof ifinfomsg, ifaddrmsg, rtmsg, ndmsg, fib_rule_hdr, tcmsg, br_port_msg, nhmsg and ifinfomsg, by the message type divided by 4 (linux/rtnetlink.h). */
const HEADER_SIZES: Readonly<Record<number, number>> = {
  4: 16,
  5: 8,
  6: 12,
  7: 12,
  8: 12,
  9: 20,
  21: 8,
  26: 8,
  27: 16,
};
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_CAPPED = 0x100;
const WIDTH = 32;
const MAX_TEXT = 160;

/** Reads what strace wrote of a datagram from left to right, one bracketed part after the other. */
class Cursor {
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The part that starts with `start`, to the end of what encloses it, or to its own closing brace. */
  next(start: string, own: boolean): string {
    const from = this.#text.indexOf(start, this.#at);
    if (from < 0) return "";
    let depth = 0;
    let quoted = false;
    let to = from;
    for (; to < this.#text.length; to++) {
      const char = this.#text[to];
      if (char === '"' && this.#text[to - 1] !== "\\") quoted = !quoted;
      if (quoted) continue;
      if (char === "[" || char === "{") depth++;
      if (char === "]" || char === "}") depth--;
      if (depth < 0) break;
      if (own && depth === 0) {
        to++;
        break;
      }
    }
    this.#at = to;
    return this.#text.slice(from, to);
  }
}

/** A datagram as lines of hex, one or more for each header and attribute, with strace's `text` beside them. */
export function annotate(bytes: Buffer, text: string): string[] {
  const cursor = new Cursor(text);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.readUInt32LE(at) === 0) {
      lines.push(...rows(bytes.subarray(at), "sent by ip, and past nlmsg_len"));
      break;
    }
    const end = at + bytes.readUInt32LE(at);
    const type = bytes.readUInt16LE(at + 4);
    lines.push(...rows(bytes.subarray(at, at + 16), cursor.next("{nlmsg_len=", true)));
    const isAck = type === NLMSG_ERROR || type === NLMSG_DONE;
    lines.push(...(isAck ? annotateAck : annotateFamily)(bytes.subarray(at, end), cursor));
    at = end;
  }
  return lines;
}

function annotateFamily(message: Buffer, cursor: Cursor): string[] {
  const type = message.readUInt16LE(4);
  const size = HEADER_SIZES[type >> 2];
  if (size === undefined)
    throw new Error(`how long the header of message type ${type} is, is not known here`);
  const header = cursor.next("{", true);
  // What strace does not know it writes out as a string of bytes.
  const text = header.includes("data=") ? "" : header;
  return [
    ...rows(message.subarray(16, 16 + size), text),
    ...annotateAttributes(message.subarray(16 + size), cursor),
  ];
}

function annotateAck(message: Buffer, cursor: Cursor): string[] {
  const lines = rows(message.subarray(16, 20), `error ${message.readInt32LE(16)}`);
  let at = 20;
  if (message.readUInt16LE(4) === NLMSG_ERROR) {
    const capped = (message.readUInt16LE(6) & NLM_F_CAPPED) !== 0;
    lines.push(...rows(message.subarray(20, 36), cursor.next("{nlmsg_len=", true)));
    if (!capped)
      lines.push(...rows(message.subarray(36, 20 + message.readUInt32LE(20)), "the rest of the request"));
    at += capped ? 16 : message.readUInt32LE(20);
  }
  return [...lines, ...annotateAttributes(message.subarray(at), cursor)];
}

function annotateAttributes(bytes: Buffer, cursor: Cursor): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) throw new Error(`an attribute of ${length} bytes at ${at}`);
    const end = (at + length + 3) & ~3;
    lines.push(...rows(bytes.subarray(at, end), cursor.next(`{nla_len=${length}, nla_type=`, length === 4)));
    at = end;
  }
  return lines;
}

/** Bytes in rows of hex, with `text` behind the first. */
function rows(bytes: Buffer, text: string): string[] {
  const lines: string[] = [];
  let row: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    let end = at + 1;
    while (end < bytes.length && bytes[end] === bytes[at]) end++;
    const byte = bytes.subarray(at, at + 1).toString("hex");
    if (end - at > 8) row.push(`${byte}*${end - at}`);
    else row.push(...new Array<string>(end - at).fill(byte));
    at = end;
    if (row.length < WIDTH && at < bytes.length) continue;
    lines.push(row.join(" "));
    row = [];
  }
  if (lines.length > 0 && text !== "")
    lines[0] = `${lines[0]}  ${text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text}`;
  return lines;
}
