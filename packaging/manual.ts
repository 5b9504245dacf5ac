import { COMMANDS } from "../src/cli/commands.ts";

/** The manual page netdevd(8), made of what `--help` says. */
export function manualText(version: string, time: number): string {
  const date = new Date(time * 1000).toISOString().slice(0, 10);
  const commands = Array.from(COMMANDS.values(), ({ usage, summary, details }) => [
    ".TP",
    `.B netdevd ${escaped(usage)}`,
    escaped(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`),
    ...details.split("\n").flatMap((line) => [".br", escaped(line)]),
  ]);
  return [
    `.TH NETDEVD 8 "${date}" "netdevd ${version}" "System administration"`,
    ".SH NAME",
    "netdevd \\- hands network devices to containers and brings them home",
    ".SH SYNOPSIS",
    ".B netdevd",
    "\\fICOMMAND\\fR [\\fB\\-\\-config\\fR \\fIFILE\\fR]",
    ".SH DESCRIPTION",
    "Mappings in a TOML file say which containers get which network devices of the host. Whoever starts a",
    "container drops a file into the spool and reads the answer; when the container has ended, its devices are",
    "back on the host as they were.",
    ".SH COMMANDS",
    ...commands.flat(),
    ".SH FILES",
    ".TP",
    ".I /etc/netdevd/netdevd.toml",
    "The config; after it each of",
    ".IR /etc/netdevd/conf.d/*.toml .",
    ".TP",
    ".I /run/netdevd",
    "Spool, results, state and the HTTP socket.",
    ".TP",
    ".I /usr/share/doc/netdevd",
    "README.md, which tells all of it, and examples.",
    ".SH SEE ALSO",
    ".BR systemd.service (5),",
    ".BR network_namespaces (7)",
    "",
  ].join("\n");
}

/** roff(7): no line may begin with a dot or a quote, a backslash is written as \e, and a minus as \-. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/, "\\&$1");
}
