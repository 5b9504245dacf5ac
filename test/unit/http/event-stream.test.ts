import { afterEach, describe, expect, test } from "bun:test";
import { createEventStream, type EventStream, type StreamOptions } from "../../../src/http/event-stream.ts";
import { parseServerSentEvents } from "../../helpers/server-sent-events.ts";

const AT = 1_795_000_000_000;
const streams: EventStream[] = [];
const cancels: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cancel of cancels.splice(0)) await cancel();
  for (const stream of streams.splice(0)) stream.end();
});

function create(options: StreamOptions = {}): EventStream {
  const stream = createEventStream({ now: () => AT, ...options });
  streams.push(stream);
  return stream;
}

/** A reader that reads when it is asked to, as a socket does. */
function read(stream: EventStream, lastEventId: string | null = null) {
  const reader = stream.open(lastEventId)?.getReader();
  if (reader === undefined) throw new Error("there are too many readers");
  cancels.push(() => reader.cancel().catch(() => undefined));
  const decoder = new TextDecoder();
  let text = "";
  return {
    /** One chunk more; false: that was the end. */
    async more(): Promise<boolean> {
      const { done, value } = await reader.read();
      text += decoder.decode(value, { stream: true });
      return !done;
    },
    cancel: () => reader.cancel(),
    got: () => parseServerSentEvents(text),
    types: () => parseServerSentEvents(text).events.map(({ type }) => type),
  };
}

function tell(stream: EventStream, ...versions: string[]): void {
  for (const version of versions) stream.tell({ type: "started", version });
}

function told(reader: ReturnType<typeof read>): (string | undefined)[] {
  return reader.got().events.map(({ data }) => JSON.parse(data).version);
}

describe("a reader", () => {
  test("is greeted at once, and told what happens from then on, with type, time and an id that rises", async () => {
    const stream = create();
    tell(stream, "before");
    const reader = read(stream);
    await reader.more();
    expect(reader.got()).toEqual({ events: [], comments: [], retry: 2000 });
    stream.tell({ type: "degraded", reasons: ["a\nb"] });
    stream.tell({ type: "ready" });
    await reader.more();
    const { events } = reader.got();
    expect(events.map(({ type, data }) => [type, JSON.parse(data)])).toEqual([
      ["degraded", { type: "degraded", time: "2026-11-18T11:06:40.000Z", reasons: ["a\nb"] }],
      ["ready", { type: "ready", time: "2026-11-18T11:06:40.000Z" }],
    ]);
    expect(Number(events[1]?.id)).toBe(Number(events[0]?.id) + 1);
  });

  test("that comes back is told what it has missed, once", async () => {
    const stream = create();
    const first = read(stream);
    await first.more();
    tell(stream, "1", "2");
    await first.more();
    await first.cancel();
    const last = first.got().events[0]?.id ?? "";
    tell(stream, "3");
    const second = read(stream, last);
    await second.more();
    expect(told(second)).toEqual(["2", "3"]);
    tell(stream, "4");
    await second.more();
    expect(told(second)).toEqual(["2", "3", "4"]);
  });

  test("that has all is told nothing twice", async () => {
    const stream = create();
    tell(stream, "1");
    const all = read(stream, "0");
    await all.more();
    const last = all.got().events.at(-1)?.id ?? "";
    const reader = read(stream, last);
    await reader.more();
    expect(reader.got().events).toEqual([]);
  });

  test.each([
    ["more than is kept has happened", "1"],
    ["its id is none of this daemon's", String((AT + 5000) * 1000)],
  ])("is told that it has missed something where %s", async (_, lastEventId) => {
    const stream = create({ limits: { events: 2, characters: 1e6 } });
    tell(stream, "1", "2", "3");
    const reader = read(stream, lastEventId);
    await reader.more();
    const [missed, ...rest] = reader.got().events;
    expect(missed?.type).toBe("missed");
    expect(JSON.parse(missed?.data ?? "")).toMatchObject({ type: "missed", since: lastEventId });
    expect(rest.map(({ data }) => JSON.parse(data).version)).toEqual(["2", "3"]);
    expect(Number(missed?.id)).toBe(Number(rest[0]?.id) - 1);
  });

  test("an id of the daemon before it is less than any of this one's", async () => {
    const before = create();
    const reader = read(before);
    tell(before, ...Array.from({ length: 900 }, String));
    await reader.more();
    await reader.more();
    const last = reader.got().events.at(-1)?.id ?? "";
    const next = create({ now: () => AT + 1 });
    tell(next, "anew");
    const again = read(next, last);
    await again.more();
    expect(again.types()).toEqual(["missed", "started"]);
  });

  test.each(["", "x", "-1", "1e3", "9".repeat(40)])("of Last-Event-ID %p is told from now on", async (id) => {
    const stream = create();
    tell(stream, "1");
    const reader = read(stream, id);
    await reader.more();
    expect(reader.got().events).toEqual([]);
  });

  test("is told by a comment now and then that the other end is there", async () => {
    const stream = create({ heartbeat: 5 });
    const reader = read(stream);
    for (let n = 0; n < 3; n++) await reader.more();
    expect(reader.got().comments).toHaveLength(2);
    tell(stream, "1");
    while (reader.got().events.length === 0) await reader.more();
    expect(told(reader)).toEqual(["1"]);
  });

  test("is forgotten when it goes", async () => {
    const stream = create();
    const readers = [read(stream), read(stream)];
    for (const reader of readers) await reader.more();
    expect(stream.readers()).toBe(2);
    for (const reader of readers) await reader.cancel();
    expect(stream.readers()).toBe(0);
  });

  test("that nobody reads from is none", () => {
    const stream = create({ readers: 1 });
    for (let n = 0; n < 3; n++) stream.open(null);
    expect(stream.readers()).toBe(0);
  });

  test("one too many is sent away", async () => {
    const stream = create({ readers: 2 });
    const readers = [read(stream), read(stream)];
    for (const reader of readers) await reader.more();
    expect(stream.open(null)).toBeNull();
    await readers[0]?.cancel();
    expect(stream.open(null)).not.toBeNull();
  });
});

describe("a reader that does not keep up", () => {
  test("is dropped, others are not, and it is told so when it comes back", async () => {
    const stream = create({ limits: { events: 10, characters: 1e6 } });
    const [slow, quick] = [read(stream), read(stream)];
    await slow.more();
    await quick.more();
    for (let n = 1; n <= 20; n++) {
      tell(stream, String(n));
      await quick.more();
    }
    expect(stream.readers()).toBe(1);
    expect(stream.dropped()).toBe(1);
    expect(told(quick)).toHaveLength(20);
    await expect(slow.more()).rejects.toThrow("did not keep up");
    const again = read(stream, "1");
    await again.more();
    expect(again.types()[0]).toBe("missed");
  });

  test("is not dropped for what was told while it was reading", async () => {
    const stream = create({ limits: { events: 3, characters: 1e6 } });
    const reader = read(stream);
    await reader.more();
    for (let round = 0; round < 5; round++) {
      tell(stream, "1", "2", "3");
      await reader.more();
    }
    expect(told(reader)).toHaveLength(15);
    expect(stream.dropped()).toBe(0);
  });
});

test("at the end readers get what is left to tell, and then the end", async () => {
  const stream = create();
  const [reading, behind] = [read(stream), read(stream)];
  await reading.more();
  await behind.more();
  const last = reading.more();
  stream.tell({ type: "stopping" });
  stream.end();
  expect(await last).toBe(true);
  for (const reader of [reading, behind]) {
    while (await reader.more());
    expect(reader.types()).toEqual(["stopping"]);
  }
  expect(stream.readers()).toBe(0);
});
