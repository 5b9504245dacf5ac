import type { Code } from "../domain/verdict.ts";

/** What to do about a conflict or warning, for a person; for those that an attach can come to before it begins. */
const MENDS: Partial<Record<Code, string>> = {
  "pid-not-allowed": "name the pid of the container's own process, as `runc state` tells it",
  "host-namespace": "give the container a network namespace of its own (`--network none`)",
  "process-gone": "start the container, and plan with the event that its runtime writes then",
  "pid-reused": "have the event written after the container's process has started",
  "not-a-namespace": "name a network namespace in `netns`, as `ip netns add` or a runtime makes it",
  "id-in-use": "`netdevd release ID` brings home what the container has in the other namespace",
  "device-missing":
    "correct `match`, have it made before, or give the mapping a `wait`; `netdevd devices` lists all",
  "device-held": "end the container that holds it, or `netdevd release` it; or give the mapping a `wait`",
  "device-guarded": "take another device; `force = true` lifts the guards that say so",
  "too-few-devices": "ask for fewer (`count`), widen `match`, or say `required = false`",
  "name-taken": 'give it another `name`, or a pattern such as "net%d"',
  "name-invalid": "give it a `name` of 1 to 15 bytes that the kernel takes",
  "same-name-twice": 'give each device of the mapping a `name` of its own, or a pattern such as "net%d"',
  "device-not-allowed":
    "add the device to `allow` in [oci], or take it out of the bundle's `linux.netDevices`",
  "bundle-invalid": "mend the bundle's `config.json`, or have the event name no bundle",
};

/** See {@link MENDS}; null where there is nothing to be done beforehand. */
export function mendOf(code: Code): string | null {
  return MENDS[code] ?? null;
}
