import { describe, expect, test } from "bun:test";
import { type LinkNews, timesOf } from "../../../../src/service/drill/timeline.ts";

const news = (at: number, operstate: string, members: Partial<LinkNews> = {}): LinkNews => ({
  at,
  ifindex: 7,
  gone: false,
  operstate,
  ...members,
});

const was = { ifindex: 7, hadCarrier: true };

/** As the kernel tells of a move there and back. */
const MOVE = [
  news(100, "up"),
  news(110, "down"),
  news(112, "down", { gone: true }),
  news(150, "down"),
  news(155, "lowerlayerdown"),
  news(170, "up"),
];

describe("how long a device was gone:", () => {
  test("from its leaving to its coming, and without a carrier from its going down to its coming up", () => {
    expect(timesOf(MOVE, was, 7)).toEqual({ gone: 38, withoutCarrier: 60 });
  });

  test("what other devices do is none of it", () => {
    const others = MOVE.map((one) => ({ ...one, ifindex: 8, at: one.at + 1 }));
    const all = [...MOVE, ...others].toSorted((a, b) => a.at - b.at);
    expect(timesOf(all, was, 7)).toEqual({ gone: 38, withoutCarrier: 60 });
  });

  test("a device that has come home under another number is followed", () => {
    const other = MOVE.map((one) => (one.at < 150 ? one : { ...one, ifindex: 9 }));
    expect(timesOf(other, was, 9)).toEqual({ gone: 38, withoutCarrier: 60 });
  });

  test("of a carrier that there was none, or is none yet, nothing is said", () => {
    expect(timesOf(MOVE, { ...was, hadCarrier: false }, 7)).toEqual({ gone: 38, withoutCarrier: null });
    expect(timesOf(MOVE.slice(0, -1), was, 7)).toEqual({ gone: 38, withoutCarrier: null });
  });

  test("nothing is said of what nobody has heard", () => {
    expect(timesOf([], was, 7)).toEqual({ gone: null, withoutCarrier: null });
    expect(timesOf(MOVE.slice(0, 3), was, 7)).toEqual({ gone: null, withoutCarrier: null });
  });
});
