/** What a Debian changelog says beside the changes. */
export interface ChangelogFacts {
  readonly version: string;
  readonly maintainer: string;
  /** Seconds since 1970. */
  readonly time: number;
}

/** The section of one version in CHANGELOG.md, without its heading; null where there is none. */
export function sectionOf(changelog: string, version: string): string | null {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.startsWith(`[${version}]`));
  return section === undefined ? null : section.slice(section.indexOf("\n") + 1).trim();
}

/** The newest section of CHANGELOG.md as deb-changelog(5) has it, for a package of `version`. */
export function changelogText(changelog: string, { version, maintainer, time }: ChangelogFacts): string {
  const section = sectionOf(changelog, version) ?? sectionOf(changelog, "Unreleased") ?? "";
  // One item each, whose lines go on behind two spaces.
  const items = section.replaceAll(/\n {2,}/g, " ").split("\n");
  const lines = items.flatMap((item) => {
    if (item.startsWith("- ")) return wrapped(item.slice(2), "  * ", "    ");
    return item.startsWith("### ") ? ["", `  ${item.slice(4)}:`] : [];
  });
  const date = new Date(time * 1000).toUTCString().replace("GMT", "+0000");
  return [
    `netdevd (${version}) unstable; urgency=medium`,
    ...lines,
    "",
    ` -- ${maintainer}  ${date}`,
    "",
  ].join("\n");
}

const WIDTH = 79;

/** `text` in lines that are not too long, the first behind `first` and the others behind `others`. */
function wrapped(text: string, first: string, others: string): string[] {
  const lines = [first];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    const isBegun = line.trim() !== "" && line !== first;
    if (!isBegun) lines[lines.length - 1] = line + word;
    else if (line.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(others + word);
  }
  return lines;
}
