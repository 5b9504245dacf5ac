/** The queueing discipline at the root of a device, where somebody chose one. */
export interface Qdisc {
  /** TCA_KIND: "tbf", … */
  readonly kind: string;
  /** tcm_handle: the major number, in the upper 16 bits. */
  readonly handle: number;
  /** TCA_OPTIONS, as the kernel told them, in hex. */
  readonly options: string;
}

/**
 * Those without classes of which the kernel takes as options what it tells: they are put back as they were. All
 * others have classes or tables of their own, which are somebody's to make again.
 */
const RESTORABLE: ReadonlySet<string> = new Set([
  "tbf",
  "pfifo",
  "bfifo",
  "fq",
  "fq_codel",
  "codel",
  "sfq",
  "cake",
]);

/** Whether it can be put back. */
export function isRestorableQdisc(qdisc: Qdisc): boolean {
  return RESTORABLE.has(qdisc.kind);
}

/** Whether two are the same, or both none. */
export function isSameQdisc(a: Qdisc | null, b: Qdisc | null): boolean {
  return a?.kind === b?.kind && a?.handle === b?.handle && a?.options === b?.options;
}

/** For a person: `tbf 8001:`, as `tc qdisc` has it. */
export function qdiscText({ kind, handle }: Qdisc): string {
  return `${kind} ${(handle >>> 16).toString(16)}:`;
}
