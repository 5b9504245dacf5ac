import { expect, test } from "bun:test";
import { play } from "./history.ts";

// Whatever happens in whatever order: when all containers are gone and nothing is in the way, every device that was
// not deleted is home with all it had, and nothing is left of anything.

const SEEDS = Number(process.env.SEEDS ?? 200);
const FIRST = Number(process.env.FIRST ?? 1);

test(`${SEEDS} histories: every device comes home`, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const { told, machine, expected, found, daemon } = await play(seed, 40);
    const upTo = `seed ${seed}: ${told.join(", ")}\n${daemon.log.join("\n")}`;
    expect({ upTo, found }).toEqual({ upTo, found: expected });
    expect({ upTo, rows: Array.from(machine.rows.values()) }).toEqual({ upTo, rows: [] });
    expect({ upTo, files: Array.from(machine.world.files.keys()) }).toEqual({ upTo, files: [] });
    expect({ upTo, namespaces: machine.world.namespaces.length }).toEqual({ upTo, namespaces: 1 });
    expect({ upTo, open: daemon.openCount() }).toEqual({ upTo, open: 3 });
    daemon[Symbol.dispose]();
  }
});
