import fs, { readFileSync } from "node:fs";
import { execute } from "../../ffi/exec.ts";
import { monotonicTime } from "../../ffi/process.ts";
import { diskFiles } from "../config/disk.ts";
import { formatFault } from "../config/fault.ts";
import { loadConfig } from "../config/load.ts";
import type { Log } from "../engine/log.ts";
import { type Daemon, startDaemon } from "../service/daemon.ts";
import { drillFolders } from "../service/drill/left.ts";
import { fdStore } from "../service/fd-store.ts";
import { type StateLock, takeLock } from "../service/lock.ts";
import { notifierFor } from "../service/notifier.ts";
import type { Notifier } from "../service/sd-notify.ts";
import { counted } from "../service/status-line.ts";
import { stderrLog } from "../service/stderr-log.ts";
import { type Supervision, supervise } from "../service/supervision.ts";
import { folderFaultText, makeFolder } from "../spool/folders.ts";
import { readArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { leftText } from "./left-text.ts";
import { readConfig } from "./read-config.ts";
import { commitHere, VERSION } from "./version.ts";

export const run: Command = {
  usage: "run [--config FILE]",
  summary: "the daemon, in the foreground; logs to stderr",
  details: `SIGTERM and SIGINT stop it: devices stay where they are, and the next start adopts them.
SIGHUP reads the config anew; a bad one changes nothing and is told.
Exit: 0 after a signal, 2 bad config, 1 any other failure to start.`,
  async run(args) {
    const { config: file } = readArguments(args, [], { least: 0, most: 0 });
    const config = await readConfig(file);
    if (config === null) return 2;
    sleepSoundly();
    const log = stderrLog(process.env.JOURNAL_STREAM !== undefined);
    const notifier = notifierFor(process.env);
    const ended = Promise.withResolvers<number>();
    const started = Promise.withResolvers<Daemon>();
    let supervision: Supervision | null = null;
    const onChange = () => supervision?.changed();
    // Before there is anything by which it can be seen that it starts: a signal then is to be heard as well, and a second one
    // is not to kill what the first one has had stop.
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => ended.resolve(0));
    process.on("SIGHUP", () => {
      void started.promise.then((daemon) => reload(daemon, file, log, notifier)).then(onChange);
    });
    const lock = lockState(config.daemon.state, log);
    if (lock === null) return 1;
    using _lock = lock;
    for (const left of drillFolders(config.daemon.state)) if (left.isLeft) log("warning", leftText(left), {});
    const store = fdStore(process.env, process.pid, log);
    let daemon: Daemon;
    try {
      const onFatal = (error: Error) => {
        log("error", `the kernel worker is gone: ${error.message}`, { code: "internal" });
        ended.resolve(1);
      };
      const identity = { version: VERSION, commit: commitHere() };
      const parts = { config, configFile: file, ...identity, log, store, onChange, onFatal };
      daemon = await startDaemon(parts);
    } catch (error) {
      log("error", `cannot start: ${error instanceof Error ? error.message : String(error)}`, {});
      return 1;
    }
    const note = (error: Error | null) => {
      if (error !== null) log("warning", error.message, {});
    };
    const mappings = counted(config.mappings.length, "mapping");
    log("info", `started: ${mappings}, listening on ${daemon.listening.join(", ") || "nothing"}`, {});
    note(notifier.ready(daemon.statusLine()));
    supervision = supervise(notifier, daemon, log);
    started.resolve(daemon);
    const code = await ended.promise;
    supervision[Symbol.dispose]();
    note(notifier.stopping("stopping; devices stay where they are"));
    log("info", "stopping: devices stay where they are, and the next start adopts them", {});
    await daemon[Symbol.asyncDispose]();
    return code;
  },
};

/**
 * Starts this very program anew without the timer by which Bun collects garbage: it wakes an idle process
 * 13 times a second, and Bun reads the variable only at its start. A daemon collects when it has worked.
 */
function sleepSoundly(): void {
  if (process.env.BUN_GC_TIMER_DISABLE !== undefined) return;
  const args = readFileSync("/proc/self/cmdline", "utf8").split("\0").slice(0, -1);
  execute("/proc/self/exe", args, { ...process.env, BUN_GC_TIMER_DISABLE: "1" });
}

/** The state folder's lock, or null after it has been told why it cannot be had. */
function lockState(path: string, log: Log): StateLock | null {
  const fault = makeFolder(fs, { path, access: "private" }, process.geteuid?.() ?? 0);
  if (fault !== null) {
    log("error", `cannot start: ${folderFaultText(fault)}`, {});
    return null;
  }
  const locked = takeLock(path);
  if (locked.ok) return locked.lock;
  log("error", `cannot start: ${locked.by} is a netdevd that runs on ${path} already`, {});
  return null;
}

async function reload(daemon: Daemon, file: string, log: Log, notifier: Notifier): Promise<void> {
  notifier.reloading(monotonicTime(), "reads the config anew");
  await takeConfig(daemon, file, log);
  notifier.ready(daemon.statusLine());
}

async function takeConfig(daemon: Daemon, file: string, log: Log): Promise<void> {
  const result = await loadConfig(file, diskFiles);
  if (result.ok) {
    if (daemon.reconfigure(result.config)) {
      log("warning", "[daemon] and [http] have changed: that takes effect when netdevd is started anew", {});
    }
    daemon.configFailed(null);
    log("info", `config read anew: ${counted(result.config.mappings.length, "mapping")}`, {});
    return;
  }
  const faults = result.faults.map(formatFault);
  daemon.configFailed(`the new config was not taken, the one before is in force: ${faults.join("; ")}`);
}
