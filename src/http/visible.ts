/**
 * `text` with each character written out that shows as nothing or changes how others show: control and format
 * characters, those that turn the direction of writing among them, and separators of lines.
 *
 * Names of containers and devices are chosen by whoever makes these, and are not to look like others.
 */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}
