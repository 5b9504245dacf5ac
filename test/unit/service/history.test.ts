import { expect, test } from "bun:test";
import type { Problem } from "../../../src/domain/verdict.ts";
import type { WayHomeEnd } from "../../../src/domain/way-home.ts";
import { createHistory } from "../../../src/service/history.ts";

function endOf(device: string, warnings: readonly Problem[] = []): WayHomeEnd {
  return { container: "c1", mapping: "trainer", device, outcome: "home", warnings };
}

const lost = (route: number): Problem => ({
  code: "not-as-wanted",
  message: `ens4 is home, and its route ${route} is not there`,
  device: "ens4",
});

test("keeps the last hundred, the newest last, with when each was", () => {
  let now = 0;
  const history = createHistory(() => now);
  expect(history.all()).toEqual([]);
  for (now = 1; now <= 250; now++) history.add(endOf(`d${now}`));
  expect(history.all()).toHaveLength(100);
  expect(history.all()[0]).toEqual({ at: 151, ...endOf("d151") });
  expect(history.all().at(-1)).toEqual({ at: 250, ...endOf("d250") });
});

test("what was read does not change any more", () => {
  const history = createHistory(() => 0);
  history.add(endOf("d0"));
  const read = history.all();
  history.add(endOf("d1"));
  expect(read).toHaveLength(1);
});

test("of a device that has lost very much it keeps the first, and tells how much more it was", () => {
  const history = createHistory(() => 0);
  history.add(
    endOf(
      "ens4",
      Array.from({ length: 50 }, (_, at) => lost(at)),
    ),
  );
  history.add(
    endOf(
      "ens4",
      Array.from({ length: 20_000 }, (_, at) => lost(at)),
    ),
  );
  const [all, many] = history.all();
  expect(all?.warnings).toHaveLength(50);
  expect(many?.warnings).toHaveLength(50);
  expect(many?.warnings[48]).toEqual(lost(48));
  expect(many?.warnings[49]).toEqual({
    code: "not-as-wanted",
    message: "19951 more like these of ens4, which the log has",
    device: "ens4",
  });
});
