/**
 * Whether `text` as a whole matches `pattern`: `*` any run of characters (also `/`), `?` one character,
 * `[abc]`, `[a-z]`, `[!a]` one of a set; `\` takes the next character as it is. Case-sensitive.
 *
 * Backtracks to the last `*` alone, so the cost is bounded by pattern times text for any input.
 */
export function globMatches(pattern: string, text: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let starText = 0;
  while (from < text.length) {
    const token = at < pattern.length ? tokenAt(pattern, at) : null;
    if (token?.any === true) {
      star = at;
      starText = from;
      at = token.next;
    } else if (token?.matches(text.charAt(from)) === true) {
      at = token.next;
      from += 1;
    } else if (star >= 0) {
      at = star + 1;
      starText += 1;
      from = starText;
    } else {
      return false;
    }
  }
  while (pattern.charAt(at) === "*") at += 1;
  return at === pattern.length;
}

/** The pattern that matches `text` and nothing else, whatever characters it has. */
export function literally(text: string): string {
  return text.replace(/[*?[\\]/g, "\\$&");
}

/** Whether `pattern` is a plain text that can match nothing but itself. */
export function isLiteral(pattern: string): boolean {
  return !/[*?[\\]/.test(pattern);
}

/** What every text that `pattern` matches begins with: all of it where it is literal. */
export function literalPrefix(pattern: string): string {
  const special = pattern.search(/[*?[\\]/);
  return special < 0 ? pattern : pattern.slice(0, special);
}

interface Token {
  readonly any: boolean;
  readonly next: number;
  readonly matches: (char: string) => boolean;
}

function tokenAt(pattern: string, at: number): Token {
  const char = pattern.charAt(at);
  if (char === "*") return { any: true, next: at + 1, matches: () => true };
  if (char === "?") return { any: false, next: at + 1, matches: () => true };
  if (char === "\\" && at + 1 < pattern.length) return literal(pattern.charAt(at + 1), at + 2);
  if (char === "[") return setAt(pattern, at) ?? literal("[", at + 1);
  return literal(char, at + 1);
}

function literal(char: string, next: number): Token {
  return { any: false, next, matches: (other) => other === char };
}

/** A bracket set; null where it is never closed, and the bracket is then an ordinary character. */
function setAt(pattern: string, at: number): Token | null {
  const negated = pattern.charAt(at + 1) === "!";
  const first = at + (negated ? 2 : 1);
  // A "]" right after the opening one belongs to the set (POSIX 2.13.1).
  const close = pattern.indexOf("]", first + 1);
  if (close < 0) return null;
  const set = pattern.slice(first, close);
  const holds = (char: string): boolean => {
    for (let index = 0; index < set.length; index++) {
      if (set.charAt(index + 1) === "-" && index + 2 < set.length) {
        if (set.charAt(index) <= char && char <= set.charAt(index + 2)) return true;
        index += 2;
      } else if (set.charAt(index) === char) {
        return true;
      }
    }
    return false;
  };
  return { any: false, next: close + 1, matches: (char) => holds(char) !== negated };
}
