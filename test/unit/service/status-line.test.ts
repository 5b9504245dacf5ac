import { expect, test } from "bun:test";
import type { AttachedDevice, Attachment } from "../../../src/domain/attachment.ts";
import { statusLine } from "../../../src/service/status-line.ts";

const attachment = (ids: string[], states: AttachedDevice["state"][]) =>
  ({
    holders: ids.map((id) => ({ id })),
    devices: states.map((state) => ({ state })),
  }) as unknown as Attachment;

test.each([
  [[], 0, [], "ready: 0 mappings, no device is away"],
  [[attachment(["a"], ["inside"])], 1, [], "ready: 1 mapping, 1 device of 1 container away"],
  [
    [attachment(["a", "b"], ["inside", "moving", "home"]), attachment(["a"], ["stuck"])],
    2,
    [],
    "ready: 2 mappings, 3 devices of 2 containers away",
  ],
  [[], 1, ["the spool is gone"], "degraded: 1 mapping, no device is away; the spool is gone"],
  [[], 1, ["a", "b", "c"], "degraded: 1 mapping, no device is away; a (and 2 more)"],
])("%#", (attachments, mappings, reasons, line) => {
  expect(statusLine(attachments, mappings, reasons)).toBe(line);
});
