import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { makeDevice } from "../helpers/devices.ts";
import { metric, parseExposition } from "../helpers/exposition.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1, mappingWith } from "../helpers/mapping.ts";
import { parseServerSentEvents } from "../helpers/server-sent-events.ts";
import { until } from "../helpers/until.ts";

/** A curl that reads `/v1/events` until it is ended or cut off. */
function listen(lab: Lab, ...args: string[]) {
  const child = Bun.spawn(
    ["curl", "--silent", "--no-buffer", "--unix-socket", lab.socket, ...args, "http://localhost/v1/events"],
    { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  );
  let text = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) text += decoder.decode(chunk, { stream: true });
  })();
  const got = () => parseServerSentEvents(text);
  const find = (type: string, container?: string) =>
    got()
      .events.filter((event) => event.type === type)
      .map(({ data }) => JSON.parse(data))
      .find(
        (data) => container === undefined || data.id === container || data.containers?.includes(container),
      );
  return {
    got,
    greeted: () => until("the stream to begin", () => got().retry !== null),
    told: (type: string, container?: string) =>
      until(`${type} to be told`, () => find(type, container), { detail: () => text }),
    types: () => got().events.map(({ type }) => type),
    ended: async () => {
      await reading;
      return await child.exited;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await reading;
      await child.exited;
    },
  };
}

test("what happens to a container is told as it happens, and what was missed by its id", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"));
  await lab.start(D0_AS_ETH1);
  let last = "";
  {
    await using stream = listen(lab);
    await stream.greeted();
    const container = await lab.container();
    const verdict = await lab.attach("c1", container);
    expect(await stream.told("attached")).toMatchObject({ ...verdict, type: "attached" });
    await container.kill();
    expect(await stream.told("home")).toMatchObject({
      containers: ["c1"],
      mapping: "for-c1",
      devices: [{ host_name: "d0", name: "eth1", state: "home" }],
    });
    expect(stream.types()).toEqual(["attaching", "attached", "returning", "home"]);
    const { events } = stream.got();
    const ids = events.map(({ id }) => Number(id));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(new Set(ids).size).toBe(ids.length);
    for (const { data } of events)
      expect(Math.abs(Date.parse(JSON.parse(data).time) - Date.now())).toBeLessThan(30_000);
    last = events[1]?.id ?? "";
  }
  expect((await lab.event({ id: "nobody", status: "stopped" })).outcome).toBe("unchanged");
  await using again = listen(lab, "--header", `Last-Event-ID: ${last}`);
  await again.told("unchanged", "nobody");
  expect(again.types()).toEqual(["returning", "home", "unchanged"]);
  await using all = listen(lab, "--header", "Last-Event-ID: 0");
  await all.told("unchanged");
  expect(all.types().slice(0, 3)).toEqual(["missed", "started", "ready"]);
});

test("refusals, waiting, reloads and what is wrong are told", async () => {
  await using lab = await Lab.create();
  const mappings = `${D0_AS_ETH1}${mappingWith("late", 'wait = "30s"', 'match = { name = "d1" }')}`;
  await lab.start(mappings);
  await using stream = listen(lab);
  await stream.greeted();
  await lab.attach("c1", await lab.container());
  expect(await stream.told("refused", "c1")).toMatchObject({ error: { code: "device-missing" } });
  lab.drop({ id: "late", status: "creating", pid: (await lab.container()).pid });
  expect(await stream.told("pending", "late")).toMatchObject({ problem: { code: "device-missing" } });
  await lab.event({ id: "late", status: "stopped" });
  expect(await stream.told("refused", "late")).toMatchObject({ error: { code: "process-gone" } });
  writeFileSync(lab.config, "nonsense = 1\n");
  lab.daemon.signal("SIGHUP");
  expect((await stream.told("reload")).reason).toContain(`${lab.config}:1:1`);
  expect((await stream.told("degraded")).reasons).toEqual([expect.stringContaining(`${lab.config}:1:1`)]);
  lab.configure(mappings);
  lab.daemon.signal("SIGHUP");
  await stream.told("ready");
});

test("a device that is stuck is told once, and when it is home", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"));
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  await lab.attach("c1", container);
  await using stream = listen(lab);
  await stream.greeted();
  await lab.host.ip("link add d0 type ifb");
  await container.kill();
  expect(await stream.told("stuck", "c1")).toMatchObject({
    problem: { code: "stuck", device: "d0" },
    devices: [{ host_name: "d0", state: "stuck" }],
  });
  await stream.told("degraded");
  await lab.host.ip("link del d0");
  await stream.told("home", "c1");
  await stream.told("ready");
  expect(stream.types().filter((type) => type === "stuck")).toHaveLength(1);
});

test("when the daemon stops, its readers are told so, and what is answered until then, and it does not wait for them", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  await using stream = listen(lab);
  await stream.greeted();
  const from = performance.now();
  expect(await lab.daemon.end()).toBe(0);
  expect(performance.now() - from).toBeLessThan(2000);
  expect(await stream.ended()).toBe(0);
  expect(stream.types()).toEqual(["stopping"]);
});

test("a stream that has nothing to tell goes on, and readers that go leave nothing behind", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  const readers = async () =>
    metric(parseExposition(await (await lab.daemon.get("/metrics")).text()), "netdevd_event_readers");
  {
    await using stream = listen(lab);
    await using other = listen(lab);
    await stream.greeted();
    await other.greeted();
    expect(await readers()).toBe(2);
    // Longer than Bun's own idle timeout.
    await until("a heartbeat", () => stream.got().comments.length > 0, { within: 20_000 });
    await lab.event({ id: "nobody", status: "stopped" });
    await stream.told("unchanged");
  }
  await until("the readers to be forgotten", async () => (await readers()) === 0);
});

test("a reader that does not read is dropped, and holds up nobody", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  const socket = await Bun.connect({ unix: lab.socket, socket: { data() {} } });
  socket.pause();
  socket.write("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const families = async () => parseExposition(await (await lab.daemon.get("/metrics")).text());
  await until("it to be a reader", async () => metric(await families(), "netdevd_event_readers") === 1);
  const long = "x".repeat(200);
  for (let batch = 0; batch < 100; batch++) {
    const names = Array.from({ length: 60 }, (_, n) =>
      lab.drop({ id: `${long}-${batch}-${n}`, status: "stopped" }),
    );
    await Promise.all(names.map((name) => lab.verdict(name)));
    if (metric(await families(), "netdevd_event_readers_dropped_total") === 1) break;
  }
  expect(metric(await families(), "netdevd_event_readers_dropped_total")).toBe(1);
  expect(metric(await families(), "netdevd_event_readers")).toBe(0);
  expect(metric(await families(), "process_resident_memory_bytes")).toBeLessThan(200e6);
  socket.terminate();
});
