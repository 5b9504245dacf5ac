import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ContainerEvent } from "../../../src/domain/event.ts";
import type { ContainerCondition } from "../../../src/domain/mapping.ts";
import { indexed } from "../../../src/domain/mappings.ts";
import { whyNotFor } from "../../../src/domain/match.ts";
import { mappingOf, requestOf, selectorOf } from "./samples.ts";

function eventOf(members: Partial<ContainerEvent>): ContainerEvent {
  return {
    type: "container",
    name: "e.json",
    id: "trainer-7",
    status: "creating",
    target: { by: "pid", pid: 4711 },
    bundle: "/var/lib/b/7",
    annotations: {},
    writtenAt: 0,
    ...members,
  };
}

function mappingFor(name: string, members: Partial<ContainerCondition>) {
  return mappingOf({ name, container: { id: null, annotations: {}, bundle: null, ...members } });
}

describe("the mapping for an event", () => {
  test("is the first that holds, and no later one", () => {
    const mappings = indexed([
      mappingFor("a", { id: "web-*" }),
      mappingFor("b", { id: "trainer-*" }),
      mappingFor("c", { id: "trainer-7" }),
      mappingFor("d", { id: "*" }),
    ]);
    expect(mappings.for(eventOf({}))?.name).toBe("b");
    expect(mappings.for(eventOf({ id: "db" }))?.name).toBe("d");
  });

  test("is none where none holds", () => {
    expect(indexed([mappingFor("a", { id: "web-*" })]).for(eventOf({}))).toBeNull();
    expect(indexed([]).for(eventOf({}))).toBeNull();
  });

  test("is the one that going through them all would find first, for any conditions", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 3 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "/", "*", "?", "["), maxLength: 4 });
    const key = fc.constantFrom("k", "id", "bundle", "__proto__", "constructor");
    const condition = fc.record({
      id: fc.option(pattern),
      bundle: fc.option(pattern),
      annotations: fc.array(fc.tuple(key, pattern), { maxLength: 2 }).map(Object.fromEntries),
    });
    const event = fc
      .record({
        id: text,
        bundle: fc.option(text),
        annotations: fc.array(fc.tuple(key, text), { maxLength: 3 }).map(Object.fromEntries),
      })
      .map(eventOf);
    fc.assert(
      fc.property(fc.array(condition, { maxLength: 12 }), event, (conditions, event) => {
        const all = conditions.map((members, at) => mappingFor(`m${at}`, members));
        const first = all.find(({ container }) => whyNotFor(event, container) === null) ?? null;
        expect(indexed(all).for(event)).toBe(first);
      }),
      { numRuns: 3000 },
    );
  });
});

test.each([
  ["literal ids", (at: number) => ({ id: `container-${at}` })],
  ["ids that begin with a literal text", (at: number) => ({ id: `container-${at}-*` })],
  ["bundles of a folder", (at: number) => ({ id: "*", bundle: `/b/container-${at}-/*` })],
  ["annotations", (at: number) => ({ id: "*", annotations: { nic: `rdma${at}` } })],
])("among 10,000 mappings an event looks at one or two: by %s", (_, conditionAt) => {
  let looked = 0;
  const all = Array.from({ length: 10_000 }, (_, at) => {
    const { container, ...mapping } = mappingFor(`m${at}`, conditionAt(at));
    return {
      ...mapping,
      get container() {
        looked += 1;
        return container;
      },
    };
  });
  const mappings = indexed(all);
  looked = 0;
  const event = eventOf({ annotations: { nic: "rdma4711" }, bundle: "/b/container-4711-/x" });
  for (const id of ["container-4711", "container-4711-x"]) mappings.for({ ...event, id });
  expect(looked).toBeGreaterThan(0);
  expect(looked).toBeLessThanOrEqual(4);
});

test("whether any mapping asks for what only a device's bus tells", () => {
  const asking = mappingOf({ devices: [requestOf(), requestOf({ match: selectorOf({ driver: "igb" }) })] });
  expect(indexed([mappingOf()]).askForHardware).toBe(false);
  expect(indexed([mappingOf(), asking]).askForHardware).toBe(true);
});
