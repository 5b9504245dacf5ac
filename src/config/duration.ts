const UNIT_MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** What {@link parseDuration} takes, for a sentence that ends with it. */
export const DURATION = 'a duration such as "500ms", "30s" or "1m30s"';

/** What a JSON Schema can say of it; an empty text matches too. */
export const DURATION_PATTERN = "^(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?$";

/**
 * Milliseconds of `500ms`, `30s`, `2m`, `1h` or of such parts in falling order (`1m30s`), or null where
 * `text` is none of these or too long to count.
 */
export function parseDuration(text: string): number | null {
  const parts = /^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text);
  if (parts === null || text === "") return null;
  const count = (at: number) => Number(parts[at] ?? 0);
  const { h, m, s, ms } = UNIT_MILLISECONDS;
  const milliseconds = count(1) * h + count(2) * m + count(3) * s + count(4) * ms;
  return Number.isSafeInteger(milliseconds) ? milliseconds : null;
}
