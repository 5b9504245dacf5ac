import { readFileSync } from "node:fs";
import { join } from "node:path";

const TOP = join(import.meta.dir, "..");

/** What each package that ends up in the executable is licensed under, in the words of its own licence file. */
const LICENCE_FILES = ["LICENSE", "LICENSE.md", "LICENSE.txt"];

/** The text of `copyright`: the project's own licence, and those of all npm packages that are built in. */
export async function copyrightText(packages: readonly string[]): Promise<string> {
  const head = readFileSync(join(import.meta.dir, "debian", "copyright.head"), "utf8");
  const parts = await Promise.all(packages.map(paragraph));
  return [head, ...parts].join("\n");
}

async function paragraph(name: string): Promise<string> {
  const folder = join(TOP, "node_modules", name);
  const manifest = await Bun.file(join(folder, "package.json")).json();
  for (const file of LICENCE_FILES) {
    const licence = Bun.file(join(folder, file));
    if (!(await licence.exists())) continue;
    const text = await licence.text();
    const copyright = /^copyright .*$/im.exec(text)?.[0] ?? `Copyright the authors of ${name}`;
    const facts = [
      `Files: usr/bin/netdevd (${name} ${manifest.version})`,
      `Copyright: ${copyright.replace(/^copyright (\(c\) )?/i, "")}`,
    ];
    // Which stands at the top of the file, by reference.
    if (manifest.license === "Apache-2.0") return [...facts, "License: Apache-2.0", ""].join("\n");
    const label = `${manifest.license}-${name.replaceAll("/", "-")}`;
    return [...facts, `License: ${label}`, "", `License: ${label}`, indented(text), ""].join("\n");
  }
  throw new Error(`${name} has no licence file`);
}

/** As a control file has longer text: each line behind a space, "." for an empty one. */
function indented(text: string): string {
  return text
    .trim()
    .split("\n")
    .map((line) => ` ${line.trim() === "" ? "." : line}`)
    .join("\n");
}
