import { expect } from "bun:test";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";
import { until } from "../helpers/until.ts";

test("the status page shows a container, escaped, its device inside and stuck, and then none", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), "link property add dev d0 altname <b>up&up");
  await lab.start(D0_AS_ETH1.replaceAll("c1", "*"));
  const page = async () => {
    const answer = await lab.daemon.get("/");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    return await answer.text();
  };
  expect(await page()).toContain("&lt;b&gt;up&amp;up");
  const container = await lab.container();
  expect((await lab.attach("<script>alert(1)</script>", container)).outcome).toBe("attached");
  const attached = await page();
  expect(attached).toContain('<bdi class="name">&lt;script&gt;alert(1)&lt;/script&gt;</bdi>');
  expect(attached).not.toContain("<script>alert");
  expect(attached).toContain("<title>netdevd: ready</title>");
  expect(attached).toContain('<span class="state good">inside</span>');

  await lab.host.ip("link add d0 type ifb");
  await container.kill();
  const stuck = await until("it to be stuck", async () => {
    const text = await page();
    return text.includes('<span class="state bad">stuck</span>') && text;
  });
  expect(stuck).toContain("What is wrong");
  expect(stuck).toContain("What to do");
  await lab.host.ip("link del d0");
  await lab.daemon.empty();
  expect(await page()).toContain("all devices are at home");
});

test("a page of another site that points its name at this machine is shown nothing", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  const answer = await lab.daemon.get("/", { host: "rebound.example.com" });
  expect(answer.status).toBe(403);
  expect(await answer.text()).not.toContain("<html");
});
