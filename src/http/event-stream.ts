import { createEventMemory, type EventMemory, eventText, type MemoryLimits } from "./event-memory.ts";
import type { Occurrence } from "./occurrence.ts";

/** Tells whoever reads `/v1/events` what happens. */
export interface EventStream {
  tell(occurrence: Occurrence): void;
  /**
   * What one reader is sent: what happened behind `lastEventId` (a Last-Event-ID header), or from now on where that is
   * null or none; null: there are too many readers.
   */
  open(lastEventId: string | null): ReadableStream<Uint8Array> | null;
  /** How many read right now. */
  readers(): number;
  /** How many were dropped since the start, because they did not keep up. */
  dropped(): number;
  /** Sends the readers what they have not got yet, and then the end. */
  end(): void;
}

/** What an event stream is made with; the rest has defaults. */
export interface StreamOptions {
  /** CLOCK_REALTIME, milliseconds. */
  readonly now?: () => number;
  readonly limits?: MemoryLimits;
  /** How long a reader is told nothing before it gets a comment, by which both ends learn that the other is there. */
  readonly heartbeat?: number;
  readonly readers?: number;
}

/** Well below the idle timeout of `listen`. */
const HEARTBEAT_MS = 15_000;
/** Each has a file descriptor, and those are what namespaces are held by. */
const MOST_READERS = 64;
/** What a reader is told first: how soon to come back, milliseconds, when it was cut off. */
const GREETING = "retry: 2000\n\n";
const HEARTBEAT = ": still here\n\n";

interface Reader {
  /** The id of what it was sent last. */
  at: number;
  /** What it is sent before anything else. */
  first: string;
  /** Set while there is nothing to send it. */
  wake: (() => void) | null;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
}

/**
 * An event stream without readers.
 *
 * Nothing is kept for a reader but how far it has come: whoever falls behind what is kept for all is dropped, and told
 * that it has missed something when it comes back.
 */
export function createEventStream(options: StreamOptions = {}): EventStream {
  const { now = Date.now, heartbeat = HEARTBEAT_MS, readers: most = MOST_READERS, limits } = options;
  // Of microseconds: a daemon tells less than one event in each, so that the next one begins with greater ids.
  const memory = createEventMemory(now() * 1000, limits);
  const readers = new Set<Reader>();
  const encoder = new TextEncoder();
  let beat: NodeJS.Timeout | null = null;
  let dropped = 0;
  let ended = false;

  function came(reader: Reader): void {
    readers.add(reader);
    // Only while somebody reads: an idle daemon is to sleep.
    beat ??= setInterval(() => {
      for (const one of readers) {
        if (one.wake === null) continue;
        one.first = HEARTBEAT;
        one.wake();
      }
    }, heartbeat);
  }

  function left(reader: Reader): void {
    readers.delete(reader);
    if (readers.size > 0 || beat === null) return;
    clearInterval(beat);
    beat = null;
  }

  function nextFor(reader: Reader): string | null {
    const { first } = reader;
    reader.first = "";
    const next = memory.after(reader.at);
    if (next === null) return first === "" ? null : first;
    reader.at = next.id;
    return first + next.text;
  }

  function drop(reader: Reader): void {
    dropped += 1;
    left(reader);
    reader.controller.error(new Error("the reader did not keep up"));
    reader.wake?.();
  }

  async function send(reader: Reader): Promise<void> {
    while (readers.has(reader)) {
      const text = nextFor(reader);
      if (text !== null) {
        reader.controller.enqueue(encoder.encode(text));
        return;
      }
      if (ended) {
        left(reader);
        reader.controller.close();
        return;
      }
      await new Promise<void>((resolve) => {
        reader.wake = resolve;
      });
      reader.wake = null;
    }
  }

  return {
    tell(occurrence) {
      const { type, ...rest } = occurrence;
      memory.add(type, JSON.stringify({ type, time: new Date(now()).toISOString(), ...rest }));
      for (const reader of readers) {
        if (reader.at + 1 < memory.oldest) drop(reader);
        else reader.wake?.();
      }
    },
    open(lastEventId) {
      if (readers.size >= most) return null;
      const begin = beginning(memory, lastEventId, now());
      let reader: Reader | null = null;
      return new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            // Not before it is read: for a HEAD request nobody does.
            if (reader === null) {
              reader = { ...begin, wake: null, controller };
              came(reader);
            }
            await send(reader);
          },
          cancel() {
            if (reader === null) return;
            left(reader);
            reader.wake?.();
          },
        },
        { highWaterMark: 0 },
      );
    },
    readers: () => readers.size,
    dropped: () => dropped,
    end() {
      ended = true;
      for (const { wake } of readers) wake?.();
    },
  };
}

/** From where on a reader is told, and what first. */
function beginning(
  memory: EventMemory,
  lastEventId: string | null,
  now: number,
): Pick<Reader, "at" | "first"> {
  const last = lastEventId !== null && /^\d{1,16}$/.test(lastEventId) ? Number(lastEventId) : null;
  if (last === null) return { at: memory.newest, first: GREETING };
  const at = memory.oldest - 1;
  if (at <= last && last <= memory.newest) return { at: last, first: GREETING };
  const data = JSON.stringify({ type: "missed", time: new Date(now).toISOString(), since: lastEventId });
  return { at, first: GREETING + eventText("missed", data, at) };
}
