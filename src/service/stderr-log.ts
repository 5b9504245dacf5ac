import { writeSync } from "node:fs";
import type { Log, LogLevel } from "../engine/log.ts";

/** syslog(3) priorities, which journald reads from the front of a line (sd-daemon(3)). */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { error: 3, warning: 4, info: 6, debug: 7 };

const STDERR = 2;

/**
 * A log to stderr, one `key=value` line each.
 *
 * @param journald whether stderr is read by journald, which has the time and takes a priority
 */
export function stderrLog(journald: boolean): Log {
  return (level, message, fields) => {
    const front = journald ? `<${PRIORITIES[level]}>` : `time=${new Date().toISOString()} level=${level} `;
    const rest = Object.entries(fields).filter(([, value]) => value !== "");
    const pairs = [["msg", message], ...rest].map(([key, value]) => `${key}=${quoted(value ?? "")}`);
    try {
      writeSync(STDERR, `${front}${pairs.join(" ")}\n`);
    } catch {
      // A closed or full stderr must not stop a device on its way home.
    }
  };
}

/** As logfmt has it: quoted where a reader could take it for more than one word. */
function quoted(value: string): string {
  return /^[^\s"=\\]+$/.test(value) ? value : JSON.stringify(value);
}
