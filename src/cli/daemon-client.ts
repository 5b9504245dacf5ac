import type { Config, Listen } from "../config/config.ts";

/** Asks the running daemon over the first address that answers; null: no daemon answers. */
export async function ask(config: Config, path: string): Promise<Response | null> {
  for (const address of config.http.listen) {
    const response = await askAt(address, path);
    if (response !== null) return response;
  }
  return null;
}

async function askAt(address: Listen, path: string): Promise<Response | null> {
  try {
    if (address.type === "unix") return await fetch(`http://localhost${path}`, { unix: address.path });
    const host = address.hostname.includes(":") ? `[${address.hostname}]` : address.hostname;
    return await fetch(`http://${host}:${address.port}${path}`);
  } catch {
    return null;
  }
}
