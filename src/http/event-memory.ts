/** What was told of late, as it is sent. */
export interface EventMemory {
  /** The id of what was told last. */
  readonly newest: number;
  /** Readers that have not got beyond the id before it have missed something. */
  readonly oldest: number;
  /** Keeps an event under the next id; gives that. `data` is one line. */
  add(type: string, data: string): number;
  /** What comes behind `id`, some of it; null: nothing yet. */
  after(id: number): { readonly text: string; readonly id: number } | null;
}

/** How much is kept. Both hold. */
export interface MemoryLimits {
  readonly events: number;
  readonly characters: number;
}

const LIMITS: MemoryLimits = { events: 1000, characters: 1e6 };
/** How much is sent at a time, characters, if one event alone is not more. */
const SLICE = 16_384;

/**
 * A memory that holds nothing yet. When it is full, the oldest is forgotten.
 *
 * @param start ids rise from here; they have to rise over the daemon's death too, or a reader that comes back would
 *   be given another daemon's events for those that it has missed
 */
export function createEventMemory(start: number, limits: MemoryLimits = LIMITS): EventMemory {
  const kept: string[] = [];
  let newest = start;
  let characters = 0;

  return {
    get newest() {
      return newest;
    },
    get oldest() {
      return newest - kept.length + 1;
    },
    add(type, data) {
      newest += 1;
      const text = eventText(type, data, newest);
      kept.push(text);
      characters += text.length;
      while (kept.length > 1 && (kept.length > limits.events || characters > limits.characters)) {
        characters -= kept.shift()?.length ?? 0;
      }
      return newest;
    },
    after(id) {
      let at = id - newest + kept.length;
      let text = kept[at];
      if (text === undefined) return null;
      for (
        let next = kept[at + 1];
        next !== undefined && text.length + next.length <= SLICE;
        next = kept[at + 1]
      ) {
        text += next;
        at += 1;
      }
      return { text, id: newest - kept.length + at + 1 };
    },
  };
}

/** One event as server-sent events have it (html.spec.whatwg.org, 9.2.5). */
export function eventText(type: string, data: string, id: number): string {
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;
}
