import { type Connection, connect } from "../../src/netlink/connection.ts";
import { decodeMessages, encodeMessage, type Message } from "../../src/netlink/message.ts";
import { capture, datagram } from "./captures.ts";

/** Where nlmsg_seq is (linux/netlink.h). */
const SEQUENCE_OFFSET = 8;

/** The only message of a capture, its sequence number and port set to 0: they differ from run to run. */
export function captured(file: string, name: string): Message {
  return onlyMessage(datagram(file, name));
}

/** The message that `use` of a Connection sends, its sequence number set to 0. */
export function sent(use: (connection: Connection) => unknown): Message {
  const datagrams: Uint8Array<ArrayBuffer>[] = [];
  const cutOff = new Error("the request is all that is wanted");
  const connection = connect({
    send: (bytes) => {
      datagrams.push(bytes);
    },
    receive: () => {
      throw cutOff;
    },
  });
  try {
    use(connection);
  } catch (error) {
    if (error !== cutOff) throw error;
  }
  const [only] = datagrams;
  if (only === undefined) throw new Error("nothing was sent");
  return onlyMessage(only);
}

/** What `use` of a Connection comes to that is given the datagrams of a capture as the kernel's answer. */
export function replay<T>(file: string, name: string, use: (connection: Connection) => T): T {
  const answers = [...capture(file, name).datagrams];
  let sequence = 0;
  const connection = connect({
    send: (bytes) => {
      sequence = new DataView(bytes.buffer).getUint32(SEQUENCE_OFFSET, true);
    },
    receive: () => {
      const answer = answers.shift();
      if (answer === undefined) throw new Error(`all of ${JSON.stringify(name)} has been read`);
      return concatenate(decodeMessages(answer).map((message) => encodeMessage({ ...message, sequence })));
    },
  });
  const result = use(connection);
  if (answers.length > 0) throw new Error(`${answers.length} datagrams of ${name} were left unread`);
  return result;
}

/** The bytes of a message as hex in groups of four, so that a difference can be read. */
export function hex(message: Message): string[] {
  return encodeMessage(message).toHex().match(/.{8}/g) ?? [];
}

/** What ip sends behind nlmsg_len in a dump request is none of the message. */
function onlyMessage(bytes: Uint8Array<ArrayBuffer>): Message {
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const [message] = decodeMessages(bytes.subarray(0, length));
  if (message === undefined) throw new Error("the datagram holds no message");
  return { ...message, sequence: 0, port: 0 };
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
