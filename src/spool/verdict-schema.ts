import * as v from "valibot";
import { CODES, type Verdict } from "../domain/verdict.ts";

const problem = v.object({ code: v.picklist(CODES), message: v.string(), device: v.nullable(v.string()) });
const device = v.object({ host_name: v.string(), name: v.string(), ifindex: v.number() });

/** A verdict file, read back. */
export const verdictSchema: v.GenericSchema<unknown, Verdict> = v.object({
  event: v.string(),
  id: v.nullable(v.string()),
  outcome: v.picklist(["attached", "unchanged", "returned", "no-mapping", "refused", "failed"]),
  mapping: v.nullable(v.string()),
  devices: v.array(device),
  warnings: v.array(problem),
  error: v.nullable(problem),
});
