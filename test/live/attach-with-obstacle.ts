import { join } from "node:path";
import * as v from "valibot";
import type { Lab } from "../helpers/lab.ts";
import type { Process } from "../helpers/process.ts";
import { type Verdict, verdictSchema } from "../helpers/verdict.ts";
import { mappingFor, type Wish } from "../unit/engine/events.ts";
import type { Scene } from "./attach-with-obstacle.child.ts";

const CHILD = join(import.meta.dir, "attach-with-obstacle.child.ts");

/** Who does what when all has been looked at and one device is the next to be moved. */
interface Obstacle {
  readonly devices: readonly Wish[];
  /** The device that is next. */
  readonly before: string;
  /** Commands of ip(8) in the container's namespace. */
  readonly inside?: readonly string[];
  /** Commands of ip(8) on the host. */
  readonly host?: readonly string[];
  readonly commands?: readonly (readonly string[])[];
}

/** Attaches devices with the engine itself, on the lab's host; no daemon has to run. */
export async function attachWithObstacle(lab: Lab, container: Process, obstacle: Obstacle): Promise<Verdict> {
  const { devices, before, inside = [], host = [], commands = [] } = obstacle;
  const scene: Scene = {
    pid: container.pid,
    mapping: mappingFor("c1", ...devices),
    before,
    commands: [
      ...inside.map((line) => ["nsenter", `--net=${container.netns.path}`, "ip", ...line.split(" ")]),
      ...host.map((line) => ["ip", ...line.split(" ")]),
      ...commands,
    ],
  };
  const argv = [process.execPath, "--no-env-file", CHILD, JSON.stringify(scene)];
  const { code, stdout, stderr } = await lab.onHost(...argv);
  if (code !== 0) throw new Error(`the attach ended with ${code}: ${stderr}`);
  return v.parse(verdictSchema, JSON.parse(stdout));
}
