export type LogLevel = "debug" | "info" | "warning" | "error";

/** What a log line is about. */
export interface LogFields {
  readonly container?: string;
  readonly device?: string;
  readonly mapping?: string;
  readonly event?: string;
  readonly code?: string;
}

/** One structured line; passed in, so that tests can read what was said. */
export type Log = (level: LogLevel, message: string, fields: LogFields) => void;
