import type { Explanation } from "../service/explain.ts";

/** What `plan` tells a person: the way from the mapping to each step, then what stands against it. */
export function planText(explanation: Explanation): string {
  const lines = [`event ${explanation.event}, container ${explanation.id}`];
  for (const { name, matches, why } of explanation.considered) {
    lines.push(matches ? `mapping ${name}: applies` : `mapping ${name}: ${why}`);
  }
  if (explanation.mapping === null) lines.push("no mapping matches: nothing would be done");
  for (const { match, count, takes, passed_over } of explanation.requests) {
    lines.push(`device with ${match}, ${count}: ${takes.join(", ") || "none"}`);
    for (const { problem } of passed_over) lines.push(`  not ${problem.message}`);
  }
  for (const { host_name, name, steps, losses } of explanation.devices) {
    lines.push(`${host_name} -> ${name}`);
    for (const [at, step] of steps.entries()) lines.push(`  ${at + 1}. ${step}`);
    for (const loss of losses) lines.push(`  meanwhile ${loss}`);
  }
  const { waits } = explanation;
  if (waits !== null)
    lines.push(`waits up to ${waits.seconds} s for it to be otherwise: ${waits.for.message}`);
  for (const { code, message } of explanation.warnings) lines.push(`warning: ${code}: ${message}`);
  for (const { code, message } of explanation.conflicts) lines.push(`conflict: ${code}: ${message}`);
  return lines.join("\n");
}

/** 0 it would work, 1 conflict, 3 no mapping matches. */
export function planExitCode({ mapping, conflicts }: Explanation): number {
  if (mapping === null) return 3;
  return conflicts.length > 0 ? 1 : 0;
}
