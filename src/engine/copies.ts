import type { Attachment } from "../domain/attachment.ts";
import { parseAttachment } from "./attachment-schema.ts";
import { entriesIn } from "./entries.ts";
import type { JournalOwner } from "./journal.ts";

/**
 * The journal's second leg: each Attachment in a file of its own, in words that a person can read. Nothing is
 * read from here but what the journal itself has lost: whoever's only NIC is inside a container cannot come
 * and mend a database.
 *
 * A copy is as of the last change of its Attachment; its devices may be further on, and are looked for anyway.
 */
export interface Copies {
  put(attachment: Attachment): void;
  delete(key: number): void;
  /** Those that are there and of this owner and version. */
  read(): readonly Attachment[];
  /** Makes them those of `attachments` and of no others. */
  renew(attachments: readonly Attachment[]): void;
}

/** Copies in `folder`, which is made when it is needed. */
export function copiesIn(folder: string, owner: JournalOwner, version: number): Copies {
  const keyOf = ({ key }: Attachment) => key;
  const entries = entriesIn(folder, owner, { member: "attachment", version, parse: parseAttachment, keyOf });
  const put = (attachment: Attachment) => entries.put(attachment.key, attachment);
  return {
    put,
    delete: entries.delete,
    read: entries.read,
    renew(attachments) {
      entries.keepOnly(attachments.map(keyOf));
      for (const attachment of attachments) put(attachment);
    },
  };
}
