import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseEvent } from "../../../src/spool/event-file.ts";
import { refusalText, refusedVerdict } from "../../../src/spool/refusal.ts";

const NAME = "7.json";
const WRITTEN = 1_700_000_000_000.25;

function parse(content: unknown) {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return parseEvent(NAME, new TextEncoder().encode(text), WRITTEN);
}

function reasonOf(content: unknown): string {
  const event = parse(content);
  return event.type === "refusal" ? refusalText(event) : `an event: ${JSON.stringify(event)}`;
}

describe("states as runtimes write them", () => {
  test("runc 1.1.5, createRuntime", () => {
    const state =
      '{"ociVersion":"1.0.2-dev","id":"ocih29650","status":"creating","pid":29693,"bundle":"/run/b","annotations":{"org.example.netdevd":"a"}}';
    expect(parse(state)).toEqual({
      type: "container",
      name: NAME,
      id: "ocih29650",
      status: "creating",
      target: { by: "pid", pid: 29693 },
      bundle: "/run/b",
      annotations: { "org.example.netdevd": "a" },
      writtenAt: WRITTEN,
    });
  });

  test("crun 1.8.1, createRuntime: pretty-printed, created, with root", () => {
    const state = `{
  "ociVersion": "1.0",
  "id": "ocih863",
  "pid": 892,
  "root": "rootfs",
  "bundle": "/run/b",
  "status": "created",
  "annotations": { "a": "b" }
}`;
    expect(parse(state)).toMatchObject({ id: "ocih863", status: "created", target: { by: "pid", pid: 892 } });
  });

  test.each([
    ["runc, poststop: no pid", { ociVersion: "1.0.2-dev", id: "c", status: "stopped", bundle: "/b" }],
    [
      "crun, poststop: pid 0",
      { ociVersion: "1.0", id: "c", pid: 0, status: "stopped", bundle: "/b", annotations: {} },
    ],
  ])("%s", (_, state) => {
    expect(parse(state)).toMatchObject({
      id: "c",
      status: "stopped",
      target: null,
      bundle: "/b",
      annotations: {},
    });
  });
});

describe("what is taken", () => {
  test.each([
    [
      { id: "c", status: "running", netns: "/run/netns/c" },
      { target: { by: "netns", path: "/run/netns/c" } },
    ],
    [
      { id: "c", status: "stopped" },
      { target: null, bundle: null, annotations: {} },
    ],
    [{ id: "c", status: "stopped", pid: 12 }, { target: { by: "pid", pid: 12 } }],
    [{ id: "c", status: "stopped", pid: 0, netns: "/n" }, { target: { by: "netns", path: "/n" } }],
    [{ id: "c", status: "creating", pid: 0 }, { target: { by: "pid", pid: 0 } }],
    [{ id: "c", status: "creating", pid: 1 }, { target: { by: "pid", pid: 1 } }],
    [{ id: "c", status: "creating", pid: 2 ** 31 - 1 }, { target: { by: "pid", pid: 2 ** 31 - 1 } }],
    [
      { id: "c", status: "created", pid: 9, netns: null, bundle: null, annotations: null },
      { annotations: {}, bundle: null },
    ],
    [{ id: "ä".repeat(512), status: "stopped" }, { id: "ä".repeat(512) }],
    [{ id: "c", status: "stopped", release: true }, { type: "container" }],
    [
      { id: "c", status: "stopped", annotations: { constructor: "x" } },
      { annotations: { constructor: "x" } },
    ],
    [{ release: "c" }, { type: "release", name: NAME, id: "c" }],
    [
      { release: true, unknown: 1 },
      { type: "release", name: NAME, id: null },
    ],
    ['\ufeff{"id":"c","status":"stopped"}\n', { id: "c" }],
    [`{"id":"c","status":"stopped","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, { id: "c" }],
  ])("%j", (content, expected) => {
    expect(parse(content)).toMatchObject(expected);
  });
});

describe("what is refused says where and what was expected", () => {
  const status = 'expected "creating", "created", "running" or "stopped"';
  const id = "expected a container id: 1 to 1024 bytes without control characters";
  const pid = "pid: expected a process id: an integer from 0 to 2147483647";
  const netns = "netns: expected an absolute path of 4095 bytes at most";
  const running = { id: "c", status: "running" };
  test.each([
    ["", "line 1, column 1: expected a value, found the end of the file"],
    ['{\n  "id": "c",\n  "status": stopped\n}', 'line 3, column 13: expected a value, found "s"'],
    ["[".repeat(100_000), 'line 1, column 100001: expected a value or "]", found the end of the file'],
    [[], "expected an object, found an array"],
    ["null", "expected an object, found null"],
    ["3", "expected an object, found 3"],
    [{}, `id: ${id}, found nothing`],
    [{ id: 7, status: "stopped" }, `id: ${id}, found 7`],
    [{ id: "", status: "stopped" }, `id: ${id}, found ""`],
    [{ id: "a\nb", status: "stopped" }, `id: ${id}, found "a\\nb"`],
    [{ id: "a\u0085b", status: "stopped" }, `id: ${id}, found "a\u0085b"`],
    ['{"id":"\\ud800","status":"stopped"}', `id: ${id}, found "\\ud800"`],
    [{ id: "x".repeat(1025), status: "stopped" }, `id: ${id}, found "${"x".repeat(80)}…"`],
    [{ id: "c" }, `status: ${status}, found nothing`],
    [{ id: "c", status: "paused", pid: 5 }, `status: ${status}, found "paused"`],
    [{ id: "c", status: 3, pid: 5 }, `status: ${status}, found 3`],
    [{ ...running, pid: -1 }, `${pid}, found -1`],
    [{ ...running, pid: 1.5 }, `${pid}, found 1.5`],
    [{ ...running, pid: 2 ** 31 }, `${pid}, found 2147483648`],
    [{ ...running, pid: "7" }, `${pid}, found "7"`],
    ['{"id":"c","status":"running","pid":1e999}', `${pid}, found Infinity`],
    [running, 'pid: expected "pid" or "netns" with the status "running", found neither'],
    [
      { ...running, pid: 5, netns: "/n" },
      'netns: expected "pid" or "netns", found both: give the one that names the namespace',
    ],
    [{ ...running, netns: "run/n" }, `${netns}, found "run/n"`],
    [{ ...running, netns: "/a\0b" }, `${netns}, found "/a\\u0000b"`],
    [{ ...running, netns: `/${"x".repeat(4095)}` }, `${netns}, found "/${"x".repeat(79)}…"`],
    [{ ...running, pid: 5, bundle: {} }, "bundle: expected a string, found an object"],
    [{ ...running, pid: 5, annotations: [] }, "annotations: expected an object of strings, found an array"],
    [{ ...running, pid: 5, annotations: { nic: 1 } }, "annotations.nic: expected a string, found 1"],
    [
      { ...running, pid: 5, annotations: { "a.b/c": null } },
      'annotations["a.b/c"]: expected a string, found null',
    ],
    [{ release: false }, "release: expected a container id, or true for all containers, found false"],
    [{ release: "" }, `release: ${id}, found ""`],
  ])("%j", (content, reason) => {
    expect(reasonOf(content)).toBe(reason);
  });

  test("bytes that are no UTF-8", () => {
    const bytes = Buffer.concat([Buffer.from('{\n "id": "ä'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(parseEvent(NAME, bytes, WRITTEN)).toEqual({
      type: "refusal",
      where: "line 2, column 10",
      message: "expected UTF-8, found bytes that are none",
    });
  });
});

test("any bytes are an event or a refusal, never a throw", () => {
  const members = fc.record(
    {
      id: fc.oneof(fc.string(), fc.jsonValue()),
      status: fc.oneof(fc.constantFrom("creating", "created", "running", "stopped"), fc.jsonValue()),
      pid: fc.oneof(fc.integer(), fc.jsonValue()),
      netns: fc.oneof(fc.constant("/run/netns/c"), fc.jsonValue()),
      bundle: fc.jsonValue(),
      annotations: fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.jsonValue()),
      release: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((json) => new TextEncoder().encode(json)),
    members.map((value) => new TextEncoder().encode(JSON.stringify(value))),
  );
  const began = performance.now();
  fc.assert(
    fc.property(content, (bytes) => {
      const event = parseEvent(NAME, bytes, WRITTEN);
      expect(["container", "release", "refusal"]).toContain(event.type);
      if (event.type === "container" && event.status !== "stopped") expect(event.target).not.toBeNull();
    }),
    { numRuns: 2000 },
  );
  expect(performance.now() - began).toBeLessThan(5000);
});

test("a verdict on a file that is no event names the file and the reason", () => {
  expect(refusedVerdict(NAME, { type: "refusal", where: "id", message: "expected x, found y" })).toEqual({
    event: NAME,
    id: null,
    outcome: "refused",
    mapping: null,
    devices: [],
    warnings: [],
    error: { code: "invalid-event", message: "id: expected x, found y", device: null },
  });
});
