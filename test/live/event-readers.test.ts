import { expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEventStream } from "../../src/http/event-stream.ts";
import { listen } from "../../src/http/listen.ts";
import { test } from "../helpers/live-test.ts";
import { openFiles } from "../helpers/proc.ts";
import { parseServerSentEvents } from "../helpers/server-sent-events.ts";
import { until } from "../helpers/until.ts";

/** Connects and asks; gives what comes. Reads nothing where it is `paused`. */
async function connect(path: string, paused: boolean) {
  const state = { text: "", closed: false };
  const socket = await Bun.connect({
    unix: path,
    socket: {
      data(_, bytes) {
        state.text += bytes.toString();
      },
      close() {
        state.closed = true;
      },
    },
  });
  if (paused) socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return { state, socket };
}

test("a quiet stream outlives the idle timeout, and a reader that does not read is let go of by it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "netdevd-readers-"));
  const path = join(folder, "socket");
  try {
    const stream = createEventStream({ heartbeat: 1000, limits: { events: 3, characters: 1e6 } });
    await using _server = await listen(() => new Response(stream.open(null)), [{ type: "unix", path }], {
      group: null,
      idleTimeout: 5,
      grace: 10,
    });
    const reads = await connect(path, false);
    const slow = await connect(path, true);
    await until("both to be readers", () => stream.readers() === 2);
    const sockets = () => openFiles(process.pid).get("socket:") ?? 0;
    const before = sockets();
    const from = performance.now();
    // More than the socket holds: from now on nothing gets through to it.
    for (let n = 0; stream.dropped() === 0; n++) {
      stream.tell({ type: "started", version: "x".repeat(10_000) });
      await Bun.sleep(1);
      expect(n).toBeLessThan(10_000);
    }
    expect(stream.readers()).toBe(1);
    // The other end is not closed, and does not see that this one is.
    await until("the slow reader to be let go of", () => sockets() < before, { within: 15_000 });
    await until("the timeout to have passed twice", () => performance.now() - from > 14_000, {
      within: 20_000,
    });
    expect(reads.state.closed).toBe(false);
    const [, body = ""] = reads.state.text.split(/\r\n\r\n(.*)/s);
    const chunks = body.replaceAll(/^[0-9a-f]+\r\n/gm, "").replaceAll("\r\n", "");
    expect(parseServerSentEvents(chunks).comments.length).toBeGreaterThan(5);
    stream.end();
    await until("the quick reader to be told the end", () => reads.state.text.endsWith("0\r\n\r\n"));
    for (const { socket } of [reads, slow]) socket.terminate();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
