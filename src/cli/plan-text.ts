import type { ExplainedProblem, Explanation } from "../service/explain.ts";

const SOME = 12;

/** What `plan` tells a person: the way from the mapping to each step, then what stands against it. */
export function planText(explanation: Explanation): string {
  const lines = [`event ${explanation.event}, container ${explanation.id}`];
  for (const { name, matches, why } of explanation.considered) {
    lines.push(matches ? `mapping ${name}: applies: ${why}` : `mapping ${name}: ${why}`);
  }
  for (const { host_name, name } of explanation.net_devices) {
    lines.push(`the bundle asks for ${host_name}${name === host_name ? "" : ` as ${name}`}`);
  }
  if (explanation.mapping === null && explanation.conflicts.length === 0)
    lines.push("no mapping matches: nothing would be done");
  for (const note of explanation.notes) lines.push(note);
  for (const { match, count, sees, takes, passed_over } of explanation.requests) {
    lines.push(`device with ${match}, ${count}: ${takes.join(", ") || "none"}`);
    if (sees.length > takes.length) lines.push(`  sees ${some(sees.map(({ name }) => name))}`);
    for (const { problem } of passed_over) lines.push(`  not ${problem.message}`);
    for (const { name, guards } of sees.filter((device) => takes.includes(device.name))) {
      for (const { reason } of guards) lines.push(`  by force ${name}, though it ${reason}`);
    }
  }
  for (const { host_name, name, steps, losses } of explanation.devices) {
    lines.push(`${host_name} -> ${name}`);
    for (const [at, step] of steps.entries()) lines.push(`  ${at + 1}. ${step}`);
    for (const loss of losses) lines.push(`  meanwhile ${loss}`);
  }
  const { waits } = explanation;
  if (waits !== null)
    lines.push(`waits up to ${waits.seconds} s for it to be otherwise: ${waits.for.message}`);
  for (const problem of explanation.warnings) lines.push(...problemLines("warning", problem));
  for (const problem of explanation.conflicts) lines.push(...problemLines("conflict", problem));
  return lines.join("\n");
}

/** The first dozen: the rest is in the JSON. */
function some(names: readonly string[]): string {
  const more = names.length - SOME;
  return names.slice(0, SOME).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function problemLines(kind: string, { code, message, mend }: ExplainedProblem): string[] {
  const isSaid = mend === null || message.includes(mend);
  return [`${kind}: ${code}: ${message}`, ...(isSaid ? [] : [`  mend: ${mend}`])];
}

/** 0 it would work, 1 conflict, 3 no mapping matches. */
export function planExitCode({ mapping, conflicts }: Explanation): number {
  if (conflicts.length > 0) return 1;
  return mapping === null ? 3 : 0;
}
