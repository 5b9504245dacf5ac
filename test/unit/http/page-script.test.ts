import { expect, test } from "bun:test";
import { SCRIPT } from "../../../src/http/page-assets.ts";

/** Runs the page's script in a browser of which there is no more than it needs. */
function browse() {
  const timers: (() => unknown)[] = [];
  const intervals: (() => unknown)[] = [];
  const listeners = new Map<string, () => void>();
  const answers: PromiseWithResolvers<{ text(): Promise<string> }>[] = [];
  const shown: string[] = [];
  const connection = { textContent: "" };
  const main = { replaceWith: (fresh: string) => void shown.push(fresh) };
  const document = {
    title: "",
    querySelector: (selector: string) => (selector === "main" ? main : connection),
  };
  class EventSource {
    static readonly CLOSED = 2;
    readyState = 0;
    onopen = () => undefined;
    onerror = () => undefined;
    constructor() {
      opened.push(this);
    }
    addEventListener(type: string, listener: () => void) {
      listeners.set(type, listener);
    }
  }
  class DOMParser {
    parseFromString(text: string) {
      return { title: `title of ${text}`, querySelector: () => text };
    }
  }
  const opened: EventSource[] = [];
  const run = new Function(
    "document",
    "EventSource",
    "DOMParser",
    "fetch",
    "setTimeout",
    "setInterval",
    SCRIPT,
  );
  run(
    document,
    EventSource,
    DOMParser,
    () => {
      const answer = Promise.withResolvers<{ text(): Promise<string> }>();
      answers.push(answer);
      return answer.promise;
    },
    (act: () => unknown) => timers.push(act),
    (act: () => unknown) => intervals.push(act),
  );
  const [events] = opened;
  if (events === undefined) throw new Error("it reads no events");
  return {
    events,
    connection,
    document,
    shown,
    timers,
    intervals,
    asked: () => answers.length,
    happens: (type: string) => listeners.get(type)?.(),
    /** The time of all timers comes. */
    wait: () => {
      for (const act of timers.splice(0)) act();
    },
    answer: async (page: string | null) => {
      const last = answers.at(-1);
      if (page === null) last?.reject(new Error("no connection"));
      else last?.resolve({ text: async () => page });
      await Bun.sleep(0);
    },
  };
}

test("however much happens at once, it is asked for once", async () => {
  const page = browse();
  page.events.onopen();
  for (const type of ["attaching", "attached", "warning", "home"]) page.happens(type);
  expect(page.asked()).toBe(0);
  page.wait();
  expect(page.asked()).toBe(1);
  await page.answer("fresh");
  expect(page.shown).toEqual(["fresh"]);
  expect(page.document.title).toBe("title of fresh");
  expect(page.connection.textContent).toBe("as it happens");
  expect(page.timers).toEqual([]);
});

test("what happens while it is asked for is asked for behind that", async () => {
  const page = browse();
  page.happens("attached");
  page.wait();
  page.happens("stuck");
  page.wait();
  expect(page.asked()).toBe(1);
  await page.answer("first");
  page.wait();
  expect(page.asked()).toBe(2);
  await page.answer("second");
  expect(page.shown).toEqual(["first", "second"]);
  expect(page.timers).toEqual([]);
});

test("where there is no answer it says so, and asks again", async () => {
  const page = browse();
  page.happens("attached");
  page.wait();
  page.events.onerror();
  await page.answer(null);
  expect(page.connection.textContent).toStartWith("no connection");
  page.wait();
  expect(page.asked()).toBe(2);
  expect(page.intervals).toEqual([]);
});

test("one reader too many asks every few seconds instead", () => {
  const page = browse();
  page.events.readyState = 2;
  page.events.onerror();
  expect(page.intervals).toHaveLength(1);
  for (const act of page.intervals) act();
  page.wait();
  expect(page.asked()).toBe(1);
});
