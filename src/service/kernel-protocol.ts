import type { KernelCalls, KernelNews } from "../engine/kernel.ts";
import type { Holding } from "./fd-store.ts";

/** What the kernel worker is started with. */
export interface WorkerStart {
  /** Carries {@link CallMessage}s one way and {@link WorkerMessage}s the other. */
  readonly port: MessagePort;
  /** An eventfd that the worker waits on beside its sockets: written to after each call is posted. */
  readonly wakeFd: number;
  readonly holding: Holding;
}

/** One call of {@link KernelCalls}. */
export interface CallMessage {
  readonly id: number;
  readonly name: keyof KernelCalls;
  readonly args: readonly unknown[];
}

/** What the worker says: an answer, news, or that it came up or cannot go on. */
export type WorkerMessage =
  | { readonly type: "ready" }
  | { readonly type: "result"; readonly id: number; readonly value: unknown }
  /** `isRefusal`: by the system, and no fault of ours. */
  | { readonly type: "error"; readonly id: number; readonly message: string; readonly isRefusal: boolean }
  | { readonly type: "news"; readonly news: KernelNews }
  | { readonly type: "fatal"; readonly message: string };
