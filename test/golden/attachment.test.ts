import { expect, test } from "bun:test";
import { parseAttachment } from "../../src/engine/attachment-schema.ts";
import written from "./attachment.json";

// A package is upgraded while devices are away, and the next daemon brings them home by what the one before has
// written. attachment.json is what the daemon of November 2026 had on record of three devices: never to be made anew.
// Beside it there may be later ones.

test("what an earlier daemon has put on record is read, and nothing of it is lost", () => {
  const whole = { ...written.head, devices: written.devices };
  expect(parseAttachment(structuredClone(whole))).toMatchObject(whole);
});
