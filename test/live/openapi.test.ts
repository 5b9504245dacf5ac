import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { makeDevice, provenAddress } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1, mappingWith } from "../helpers/mapping.ts";
import { readOpenApi } from "../helpers/openapi.ts";
import { parseServerSentEvents } from "../helpers/server-sent-events.ts";
import { until } from "../helpers/until.ts";

test("every answer of a daemon in all its states is one that its OpenAPI document says", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    "link set d0 up",
    ...provenAddress("2001:db8:1::1/64", "d0"),
    "link add br0 type bridge",
  );
  const mappings = `${D0_AS_ETH1}${mappingWith("late", 'wait = "30s"', 'match = { name = "d1" }')}`;
  await lab.start(mappings);
  const api = readOpenApi(await (await lab.daemon.get("/openapi.json")).json());
  const look = async () => {
    for (const path of api.paths) {
      if (["/healthz", "/metrics", "/v1/events", "/"].includes(path)) continue;
      const answer = await lab.daemon.get(path.replace("{id}", "c1"));
      expect(answer.headers.get("content-type")).toStartWith("application/json");
      expect(api.whyNot(path, answer.status, await answer.json()), path).toBeNull();
    }
  };
  await look();
  const container = await lab.container();
  await lab.attach("c1", container);
  lab.drop({ id: "late", status: "creating", pid: (await lab.container()).pid });
  await until("it to be pending", async () => (await lab.daemon.status()).containers.length === 2);
  await look();
  await lab.host.ip("link add d0 type ifb");
  await container.kill();
  writeFileSync(lab.config, "nonsense = 1\n");
  lab.daemon.signal("SIGHUP");
  await until("both faults to be told", async () => {
    const { reasons } = Object(await (await lab.daemon.get("/readyz")).json());
    return reasons.length === 2;
  });
  await look();
  await lab.host.ip("link del d0");
  await lab.event({ id: "late", status: "stopped" });
  await lab.daemon.empty();

  const stream = await lab.daemon.get("/v1/events", { "Last-Event-ID": "0" });
  const body = stream.text();
  expect(await lab.daemon.end()).toBe(0);
  const { events } = parseServerSentEvents(await body);
  for (const { type, data } of events) {
    expect(api.whyNoneOf("Occurrence", JSON.parse(data)), data).toBeNull();
    expect(JSON.parse(data).type).toBe(type);
  }
  const told = new Set(events.map(({ type }) => type));
  for (const type of ["attached", "pending", "stuck", "home", "degraded", "reload", "stopping"])
    expect(told).toContain(type);
});
