import { expect } from "bun:test";
import * as v from "valibot";
import { makeDevice, provenAddress } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";
import { containerSchema } from "../helpers/status.ts";

// "GET /healthz 200 while the daemon serves; /readyz; /v1/status, /v1/containers/{id} JSON. A request whose Host is
// not local is refused."

async function attached(listen?: string[]): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    "link set d0 mtu 1400 up",
    "addr add 192.0.2.1/24 dev d0",
    ...provenAddress("2001:db8:1::1/64", "d0"),
  );
  lab.configure(D0_AS_ETH1, listen ?? [`unix:${lab.socket}`]);
  await lab.start();
  return lab;
}

test("healthz and readyz are 200 while all is well", async () => {
  await using lab = await attached();
  expect((await lab.daemon.get("/healthz")).status).toBe(200);
  expect((await lab.daemon.get("/readyz")).status).toBe(200);
});

test("status tells of each container what the contract lists", async () => {
  await using lab = await attached();
  expect(await lab.daemon.status()).toMatchObject({
    version: expect.any(String),
    state: "ready",
    containers: [],
  });
  const container = await lab.container();
  const from = Date.now();
  const verdict = await lab.attach("c1", container);
  const inside = await container.netns.device("eth1");
  const { containers } = await lab.daemon.status();
  expect(containers).toEqual([
    {
      id: "c1",
      pid: container.pid,
      netns: null,
      mapping: "for-c1",
      state: "attached",
      since: containers[0]?.since,
      devices: [
        {
          host_name: "d0",
          name: "eth1",
          ifindex: verdict.devices[0]?.ifindex ?? null,
          mac: inside.mac,
          mtu: 1400,
          addresses: ["192.0.2.1/24", "2001:db8:1::1/64"],
          state: expect.any(String),
        },
      ],
      warnings: [],
      error: null,
    },
  ]);
  const since = new Date(v.parse(v.union([v.string(), v.number()]), containers[0]?.since)).getTime();
  expect(since).toBeGreaterThanOrEqual(from - 1_000);
  expect(since).toBeLessThanOrEqual(Date.now());

  const one = await lab.daemon.get("/v1/containers/c1");
  expect(one.status).toBe(200);
  expect(one.headers.get("content-type")).toStartWith("application/json");
  expect(v.parse(containerSchema, await one.json())).toEqual({
    ...containers[0],
    ...v.parse(containerSchema, containers[0]),
  });

  await container.kill();
  await lab.daemon.empty();
  expect((await lab.daemon.get("/v1/containers/c1")).status).toBe(404);
});

test("an id may hold what a path may not", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("ifb", "d0"));
  await lab.start(D0_AS_ETH1.replaceAll("c1", "*"));
  const id = "default/a b?c#ä";
  expect((await lab.attach(id, await lab.container())).outcome).toBe("attached");
  const answer = await lab.daemon.get(`/v1/containers/${encodeURIComponent(id)}`);
  expect(v.parse(containerSchema, await answer.json())).toMatchObject({ id });
});

test("counters count what was answered", async () => {
  await using lab = await attached();
  const before = JSON.stringify((await lab.daemon.status()).counters);
  await lab.event({ id: "x", status: "stopped" });
  expect(JSON.stringify((await lab.daemon.status()).counters)).not.toBe(before);
});

test("what is not there is 404, and nothing can be changed", async () => {
  await using lab = await attached();
  expect((await lab.daemon.get("/v1/nothing")).status).toBe(404);
  for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
    const answer = await fetch("http://localhost/v1/status", { unix: lab.socket, method });
    expect(answer.status).toBeOneOf([404, 405]);
  }
});

const HOSTS: [host: string, local: boolean][] = [
  ["localhost", true],
  ["127.0.0.1", true],
  ["127.0.0.1:9469", true],
  ["[::1]:9469", true],
  ["evil.example", false],
  ["localhost.evil.example", false],
  ["127.0.0.1.evil.example", false],
  ["192.0.2.1", false],
];

for (const [host, local] of HOSTS) {
  test(`a request whose Host is ${host} is ${local ? "answered" : "refused"}`, async () => {
    await using lab = await attached();
    for (const path of ["/healthz", "/v1/status"]) {
      const answer = await lab.daemon.get(path, { host });
      if (local) {
        expect(answer.status).toBe(200);
      } else {
        expect(answer.status).toBeWithin(400, 500);
        expect(await answer.text()).not.toContain("containers");
      }
    }
  });
}

test("it listens on loopback TCP of both families besides the socket", async () => {
  await using lab = await Lab.create();
  lab.configure(D0_AS_ETH1, [`unix:${lab.socket}`, "127.0.0.1:9469", "[::1]:9469"]);
  await lab.start();
  for (const origin of ["http://127.0.0.1:9469", "http://[::1]:9469", "http://localhost:9469"]) {
    const ask = `const r = await fetch("${origin}/v1/status"); console.log(r.status, (await r.json()).state)`;
    expect((await lab.host.run(process.execPath, "-e", ask)).trim()).toBe("200 ready");
  }
  const forged =
    'console.log((await fetch("http://127.0.0.1:9469/v1/status", {headers:{host:"evil.example"}})).status)';
  expect((await lab.host.run(process.execPath, "-e", forged)).trim()).toMatch(/^4\d\d$/);
});
