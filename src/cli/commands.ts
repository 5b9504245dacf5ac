import { check } from "./check.ts";
import type { Command } from "./command.ts";
import { devices } from "./devices.ts";
import { doctor } from "./doctor.ts";
import { drill } from "./drill.ts";
import { hold } from "./hold.ts";
import { hook } from "./hook.ts";
import { plan } from "./plan.ts";
import { release } from "./release.ts";
import { run } from "./run.ts";
import { schema } from "./schema.ts";
import { status } from "./status.ts";

/** All commands by name, in the order of the help. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({ run, check, plan, hook, status, devices, release, drill, doctor, schema, hold }),
);
