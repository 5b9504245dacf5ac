import { expect } from "bun:test";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { pictureOf } from "../helpers/picture.ts";

// "Every condition given must hold. The first mapping in order whose `container` holds applies. Strings of
// selectors are globs over the whole string, case-sensitive, `*` crosses `/`."

const CONFIG = `
[[mapping]]
name = "by-annotations"
container = { id = "c*", annotations = { "com.example.nic" = "rdma*", "com.example.tier" = "gold" } }
device = [{ match = { name = "d0" } }]
[[mapping]]
name = "by-bundle"
container = { bundle = "/var/lib/*/b" }
device = [{ match = { name = "d0" } }]
[[mapping]]
name = "by-id"
container = { id = "trainer-*" }
device = [{ match = { name = "d0" } }]
[[mapping]]
name = "never-reached"
container = { id = "trainer-7" }
device = [{ match = { name = "d1" } }]
`;

const gold = { "com.example.nic": "rdma0", "com.example.tier": "gold" };
const cases: [title: string, event: Record<string, unknown>, mapping: string | null][] = [
  ["an id by glob, the first mapping of two", { id: "trainer-7" }, "by-id"],
  ["a glob is over the whole string", { id: "my-trainer-7" }, null],
  ["a glob is case-sensitive", { id: "Trainer-7" }, null],
  ["id and two annotations that all hold", { id: "c1", annotations: gold }, "by-annotations"],
  ["one annotation of two", { id: "c1", annotations: { "com.example.nic": "rdma0" } }, null],
  ["annotations hold but the id does not", { id: "x", annotations: gold }, null],
  ["the star of a bundle crosses slashes", { id: "x", bundle: "/var/lib/a/deep/b" }, "by-bundle"],
  ["no bundle holds no glob of a bundle", { id: "x" }, null],
];

for (const [title, event, mapping] of cases) {
  test(`${title}: ${mapping ?? "no mapping"}`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice("ifb", "d0"));
    const before = await pictureOf(lab.host);
    await lab.start(CONFIG);
    const container = await lab.container();
    const verdict = await lab.event({ status: "creating", pid: container.pid, ...event });
    expect(verdict).toMatchObject({
      id: event.id,
      mapping,
      outcome: mapping === null ? "no-mapping" : "attached",
    });
    if (mapping !== null) return;
    expect(verdict).toMatchObject({ devices: [], warnings: [], error: null });
    expect(await pictureOf(lab.host)).toEqual(before);
    expect((await lab.daemon.status()).containers).toEqual([]);
  });
}
