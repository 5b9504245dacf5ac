import { readdir, readFile } from "node:fs/promises";
import type { ConfigFiles } from "./load.ts";

/** The file system that the program sees. */
export const diskFiles: ConfigFiles = {
  async readText(file) {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file));
    } catch (cause) {
      if (cause instanceof TypeError) throw new Error("it is no UTF-8 text", { cause });
      throw cause;
    }
  },
  async list(folder) {
    try {
      return await readdir(folder);
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return [];
      throw cause;
    }
  },
};
