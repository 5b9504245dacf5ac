import * as v from "valibot";

const problem = v.strictObject({
  code: v.pipe(v.string(), v.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/)),
  message: v.pipe(v.string(), v.nonEmpty()),
  device: v.nullable(v.string()),
});

/** A verdict file exactly as part 3 of the contract has it: not a member more, not a member less. */
export const verdictSchema = v.strictObject({
  event: v.string(),
  id: v.nullable(v.string()),
  outcome: v.picklist(["attached", "unchanged", "returned", "no-mapping", "refused", "failed"]),
  mapping: v.nullable(v.string()),
  devices: v.array(v.strictObject({ host_name: v.string(), name: v.string(), ifindex: v.number() })),
  warnings: v.array(problem),
  error: v.nullable(problem),
});

export type Verdict = v.InferOutput<typeof verdictSchema>;
