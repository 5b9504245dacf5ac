import type { Attachment } from "../domain/attachment.ts";
import type { Problem } from "../domain/verdict.ts";
import type { Context } from "./context.ts";

/** Tells in the status and the log what is missing inside, where it is not told yet. */
export function note(context: Context, attachment: Attachment, problem: Problem): void {
  const { message, code, device } = problem;
  if (attachment.warnings.some((known) => known.message === message)) return;
  const warnings = [...withoutMissing(attachment, device ?? ""), problem];
  context.registry.update(attachment.key, { warnings });
  const container = attachment.holders.map(({ id }) => id).join(",");
  context.log("warning", message, { container, device: device ?? "", mapping: attachment.mapping, code });
}

/** The warnings of an Attachment, but for what is told of a device that is missing. */
export function withoutMissing({ warnings }: Pick<Attachment, "warnings">, name: string): Problem[] {
  return warnings.filter(({ code, device }) => code !== "device-missing" || device !== name);
}
