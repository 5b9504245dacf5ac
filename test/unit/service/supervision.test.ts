import { expect, test } from "bun:test";
import type { Notifier } from "../../../src/service/sd-notify.ts";
import { type Supervised, supervise } from "../../../src/service/supervision.ts";
import { until } from "../../helpers/until.ts";

// "WatchdogSec is fed only while the main loop, the kernel's thread and the journal really work."

const INTERVAL = 5;

/** A daemon that is well until it is told otherwise, and what its service manager hears of it. */
function world(prove: () => Promise<void> = async () => undefined) {
  const heard: string[] = [];
  const logged: string[] = [];
  const daemon = { line: "ready", prove };
  const notifier: Notifier = {
    watchdogInterval: INTERVAL,
    ready: () => null,
    status: (line) => {
      heard.push(line);
      return null;
    },
    reloading: () => null,
    stopping: () => null,
    watchdog: () => {
      heard.push("fed");
      return null;
    },
    storeFds: () => null,
    forgetFds: () => null,
    barrier: () => null,
  };
  const supervised: Supervised = { statusLine: () => daemon.line, prove: () => daemon.prove() };
  const supervision = supervise(notifier, supervised, (_, message) => logged.push(message));
  const fed = () => heard.filter((line) => line === "fed").length;
  return { daemon, heard, logged, supervision, fed };
}

test("a daemon that works is fed again and again", async () => {
  const { supervision, fed } = world();
  using _ = supervision;
  await until("it to be fed", () => fed() > 3);
});

test("one of which a part does not answer starves, and asks that part no second time", async () => {
  let asked = 0;
  const { supervision, fed } = world(() => {
    asked += 1;
    return new Promise(() => undefined);
  });
  using _ = supervision;
  await until("it to be asked", () => asked > 0);
  await Bun.sleep(4 * INTERVAL);
  expect({ fed: fed(), asked }).toEqual({ fed: 0, asked: 1 });
});

test("one of which a part fails starves until it works again, and says why once", async () => {
  const { daemon, supervision, fed, logged } = world(() => Promise.reject(new Error("disk I/O error")));
  using _ = supervision;
  await until("it to be told", () => logged.length > 0);
  await Bun.sleep(4 * INTERVAL);
  expect({ fed: fed(), logged }).toEqual({ fed: 0, logged: ["the watchdog is not fed: disk I/O error"] });
  daemon.prove = async () => undefined;
  await until("it to be fed", () => fed() > 3);
});

test("its line is told when it changes, and once", async () => {
  const { daemon, heard, supervision, fed } = world();
  using _ = supervision;
  supervision.changed();
  supervision.changed();
  daemon.line = "degraded";
  supervision.changed();
  await until("the next look", () => fed() > 1);
  expect(heard.filter((line) => line !== "fed")).toEqual(["ready", "degraded"]);
});

test("nothing is told after its end", async () => {
  const { heard, supervision } = world();
  supervision[Symbol.dispose]();
  await Bun.sleep(4 * INTERVAL);
  expect(heard).toEqual([]);
});
