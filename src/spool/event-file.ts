import * as v from "valibot";
import type { ContainerEvent, ReleaseEvent, SpoolEvent, Target } from "../domain/event.ts";
import { parseJson } from "./json.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { describe, isObject, schemaRefusal } from "./schema-refusal.ts";

// Each schema's message is what was expected; what was found is put beside it by `schemaRefusal`.
const STATUS = '"creating", "created", "running" or "stopped"';
const ID = "a container id: 1 to 1024 bytes without control characters";
const PID = "a process id: an integer from 0 to 2147483647";
const NETNS = "an absolute path of 4095 bytes at most";
const TEXT = "a string";
const ANNOTATIONS = "an object of strings";
const RELEASE = "a container id, or true for all containers";

const id = v.pipe(v.string(ID), v.check(isContainerId, ID));

/** The State of runtime-spec, as far as netdevd reads it; members that it does not know are ignored. */
const containerState = v.object(
  {
    id,
    status: v.picklist(["creating", "created", "running", "stopped"], STATUS),
    pid: v.nullish(v.pipe(v.number(PID), v.integer(PID), v.minValue(0, PID), v.maxValue(2 ** 31 - 1, PID))),
    netns: v.nullish(v.pipe(v.string(NETNS), v.check(isAbsolutePath, NETNS))),
    bundle: v.nullish(v.string(TEXT)),
    annotations: v.nullish(v.pipe(v.custom<Record<string, string>>(isObject, ANNOTATIONS), stringMembers())),
  },
  // valibot asks the object, not the member, where a member that must be there is missing.
  ({ path }) => (path?.[0].key === "id" ? ID : STATUS),
);

const release = v.object({ release: v.union([v.literal(true), id], RELEASE) });

/**
 * The event that the bytes of the spool file `name` hold, or why they hold none. Never throws.
 *
 * Two records are known: the OCI container state, and netdevd's own `{"release": "ID"}` (`true`: all of
 * them). `release` beside an `id` or a `status` is but an unknown member of a container state.
 */
export function parseEvent(name: string, bytes: Uint8Array, writtenAt: number): SpoolEvent | Refusal {
  const parsed = parseJson(bytes);
  if (!parsed.ok) return parsed.refusal;
  const { json } = parsed;
  if (!isObject(json)) return refusal(null, `expected an object, found ${describe(json)}`);
  const own = (key: string): boolean => Object.hasOwn(json, key);
  return own("release") && !own("id") && !own("status")
    ? releaseEvent(name, json)
    : containerEvent(name, json, writtenAt);
}

function releaseEvent(name: string, json: object): ReleaseEvent | Refusal {
  const parsed = v.safeParse(release, json, { abortEarly: true });
  if (!parsed.success) return schemaRefusal(parsed.issues[0]);
  const wanted = parsed.output.release;
  return { type: "release", name, id: wanted === true ? null : wanted };
}

function containerEvent(name: string, json: object, writtenAt: number): ContainerEvent | Refusal {
  const parsed = v.safeParse(containerState, json, { abortEarly: true });
  if (!parsed.success) return schemaRefusal(parsed.issues[0]);
  const state = parsed.output;
  const stopped = state.status === "stopped";
  // crun tells a container that has ended with pid 0, runc with none.
  const pid = stopped && state.pid === 0 ? null : (state.pid ?? null);
  const netns = state.netns ?? null;
  if (pid !== null && netns !== null) {
    return refusal("netns", 'expected "pid" or "netns", found both: give the one that names the namespace');
  }
  if (pid === null && netns === null && !stopped) {
    return refusal("pid", `expected "pid" or "netns" with the status "${state.status}", found neither`);
  }
  return {
    type: "container",
    name,
    id: state.id,
    status: state.status,
    target: targetOf(pid, netns),
    bundle: state.bundle ?? null,
    annotations: state.annotations ?? {},
    writtenAt,
  };
}

function targetOf(pid: number | null, netns: string | null): Target | null {
  if (pid !== null) return { by: "pid", pid };
  return netns === null ? null : { by: "netns", path: netns };
}

// v.record leaves out keys such as "constructor", which a container may have.
function stringMembers() {
  return v.rawCheck<Record<string, string>>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const [key, value] of Object.entries<unknown>(dataset.value)) {
      if (typeof value === "string") continue;
      const input = dataset.value;
      addIssue({
        message: TEXT,
        input: value,
        path: [{ type: "object", origin: "value", input, key, value }],
      });
      return;
    }
  });
}

// A lone surrogate has no UTF-8: two such ids would be one in the journal and in the verdicts.
function isContainerId(text: string): boolean {
  const bytes = Buffer.byteLength(text);
  return bytes >= 1 && bytes <= 1024 && text.isWellFormed() && !/\p{Cc}/u.test(text);
}

/** Whether the kernel takes it for an absolute path: PATH_MAX (linux/limits.h) is 4096 with the closing NUL. */
export function isAbsolutePath(text: string): boolean {
  return (
    text.startsWith("/") && !text.includes("\0") && text.isWellFormed() && Buffer.byteLength(text) <= 4095
  );
}
