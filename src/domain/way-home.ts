import type { Problem } from "./verdict.ts";

/** How one device's way home ended, with what was told of it. What is stuck is still on its way. */
export interface WayHomeEnd {
  /** The ids of all holders, separated by commas. */
  readonly container: string;
  readonly mapping: string;
  /** The host's name of the device. */
  readonly device: string;
  /** `gone`: it is no more. */
  readonly outcome: "home" | "gone";
  readonly warnings: readonly Problem[];
}
