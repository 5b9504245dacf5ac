import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Attachment } from "../domain/attachment.ts";
import { parseAttachment } from "./attachment-schema.ts";
import type { JournalOwner } from "./journal.ts";

/**
 * The journal's second leg: each Attachment in a file of its own, in words that a person can read. Nothing is
 * read from here but what the journal itself has lost: whoever's only NIC is inside a container cannot come
 * and mend a database.
 *
 * A copy is as of the last change of its Attachment; its devices may be further on, and are looked for anyway.
 * Where one cannot be written it is taken away: none is better than one that is not true any more.
 */
export interface Copies {
  put(attachment: Attachment): void;
  delete(key: number): void;
  /** Those that are there and of this owner and version. */
  read(): readonly Attachment[];
  /** Makes them those of `attachments` and of no others. */
  renew(attachments: readonly Attachment[]): void;
}

const body = v.object({
  version: v.number(),
  boot_id: v.string(),
  home_cookie: v.string(),
  attachment: v.unknown(),
});

/** Copies in `folder`, which is made when it is needed. */
export function copiesIn(folder: string, owner: JournalOwner, version: number): Copies {
  const nameOf = (key: number) => `${key}.json`;
  const path = (key: number) => join(folder, nameOf(key));

  function take(name: string): Attachment | null {
    try {
      const found = v.parse(body, JSON.parse(readFileSync(join(folder, name), "utf8")));
      const isOurs =
        found.version === version && found.boot_id === owner.bootId && found.home_cookie === owner.homeCookie;
      const attachment = isOurs ? parseAttachment(found.attachment) : null;
      return attachment !== null && name === nameOf(attachment.key) ? attachment : null;
    } catch {
      // Cut off, or not what we write.
      return null;
    }
  }

  function remove(key: number): void {
    try {
      unlinkSync(path(key));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }

  function put(attachment: Attachment): void {
    const draft = `${path(attachment.key)}.tmp`;
    const { bootId, homeCookie } = owner;
    const copy = { version, boot_id: bootId, home_cookie: homeCookie, attachment };
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(draft, JSON.stringify(copy), { mode: 0o600 });
      renameSync(draft, path(attachment.key));
    } catch {
      rmSync(draft, { recursive: true, force: true });
      remove(attachment.key);
    }
  }

  return {
    put,
    delete: remove,
    read: () =>
      filesIn(folder)
        .flatMap((name) => take(name) ?? [])
        .toSorted((a, b) => a.key - b.key),
    renew(attachments) {
      const names = new Set(attachments.map(({ key }) => nameOf(key)));
      for (const name of filesIn(folder)) if (!names.has(name)) rmSync(join(folder, name), { force: true });
      for (const attachment of attachments) put(attachment);
    },
  };
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Not made yet: then there are none.
    return [];
  }
}
