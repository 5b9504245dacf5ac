import type { Files } from "./files.ts";
import { byChange, type EventName, listEvents, lookAt, type WaitingFile } from "./scan.ts";

/** The events that wait in a folder, in the order in which they are taken. */
export interface Backlog {
  /**
   * Lists the folder once the last listing is used up, and looks at `limit` of its files at most.
   *
   * The order needs the times of all that were listed, so that false, "call again", comes while some are
   * missing. What is dropped later is newer than all of them.
   */
  fill(limit: number): boolean;
  /** The oldest one. */
  first(): WaitingFile | undefined;
  /** Leaves the oldest one out from now on. */
  drop(): void;
}

/** The backlog of `folder`, which is not read before it is first filled. */
export function openBacklog(files: Files, folder: string): Backlog {
  let listed: EventName[] = [];
  let looked: WaitingFile[] = [];
  /** Oldest last: the end of an array is the cheap one. */
  let ordered: WaitingFile[] = [];
  return {
    fill(limit) {
      if (ordered.length > 0) return true;
      if (listed.length === 0) listed = listEvents(files, folder);
      for (const event of listed.splice(-limit)) {
        const file = lookAt(files, event);
        if (file !== null) looked.push(file);
      }
      if (listed.length > 0) return false;
      ordered = looked.sort(byChange).reverse();
      looked = [];
      return true;
    },
    first: () => ordered.at(-1),
    drop() {
      ordered.pop();
    },
  };
}
