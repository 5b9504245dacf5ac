import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApp } from "../../../src/http/app.ts";
import { addressLabel, ListenError, listen } from "../../../src/http/listen.ts";

const ALONE = { group: null };
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "netdevd-listen-"));
  path = join(folder, "netdevd.sock");
});

afterEach(() => rmSync(folder, { recursive: true }));

function hello(): Response {
  return new Response("hello");
}

async function ask(socket: string): Promise<string> {
  const response = await fetch("http://localhost/", { unix: socket });
  return response.text();
}

function modeOf(file: string): string {
  return (statSync(file).mode & 0o7777).toString(8);
}

async function refusalOf(attempt: Promise<unknown>): Promise<ListenError> {
  const outcome = await attempt.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof ListenError) return outcome;
  throw new Error(`expected a ListenError, got ${String(outcome)}`);
}

/** Leaves behind what a daemon that was killed does: the socket file, and nobody who answers. */
function killedServer(socket: string): void {
  const program = `Bun.serve({ unix: ${JSON.stringify(socket)}, fetch: () => new Response() }); process.kill(process.pid, 9);`;
  Bun.spawnSync([process.execPath, "-e", program], { stdio: ["ignore", "ignore", "ignore"] });
}

describe("a unix socket", () => {
  test("is served, is its owner's alone, and is gone at the end", async () => {
    const server = await listen(hello, [{ type: "unix", path }], ALONE);
    expect(await ask(path)).toBe("hello");
    expect(modeOf(path)).toBe("600");
    await server[Symbol.asyncDispose]();
    expect(existsSync(path)).toBe(false);
  });

  test("is no wider under a wide umask, which stays as it was", async () => {
    const before = process.umask(0);
    try {
      await using _server = await listen(hello, [{ type: "unix", path }], ALONE);
      expect(modeOf(path)).toBe("600");
      expect(process.umask()).toBe(0);
    } finally {
      process.umask(before);
    }
  });

  test("belongs to the group that is given, 0660", async () => {
    const gid = process.getgid?.() ?? 0;
    const groupFile = join(folder, "group");
    writeFileSync(groupFile, `other:x:1:\nnetdevd:x:${gid}:\n`);
    await using _server = await listen(hello, [{ type: "unix", path }], { group: "netdevd", groupFile });
    expect(modeOf(path)).toBe("660");
    expect(statSync(path).gid).toBe(gid);
  });

  test("that cannot be given to the group is not served", async () => {
    const groupFile = join(folder, "group");
    // Over what a gid_t holds.
    writeFileSync(groupFile, "netdevd:x:99999999999:\n");
    const options = { group: "netdevd", groupFile };
    await refusalOf(listen(hello, [{ type: "unix", path }], options));
    expect(existsSync(path)).toBe(false);
  });

  test("of an unknown group is refused, with the mend", async () => {
    const groupFile = join(folder, "group");
    writeFileSync(groupFile, "other:x:1:\n");
    const options = { group: "netdevd", groupFile };
    const error = await refusalOf(listen(hello, [{ type: "unix", path }], options));
    expect(error.message).toContain('no group "netdevd"');
    expect(error.message).toContain("groupadd --system netdevd");
    expect(existsSync(path)).toBe(false);
  });

  test("has its folders made, 0755 under any umask", async () => {
    const deep = join(folder, "run", "netdevd");
    const before = process.umask(0o077);
    try {
      await using _server = await listen(hello, [{ type: "unix", path: join(deep, "a.sock") }], ALONE);
      expect(modeOf(join(folder, "run"))).toBe("755");
      expect(modeOf(deep)).toBe("755");
    } finally {
      process.umask(before);
    }
  });

  test("leaves a folder that is there as it is", async () => {
    chmodSync(folder, 0o700);
    await using _server = await listen(hello, [{ type: "unix", path }], ALONE);
    expect(modeOf(folder)).toBe("700");
  });

  test("takes the place of one that a killed daemon left behind", async () => {
    killedServer(path);
    expect(statSync(path).isSocket()).toBe(true);
    await using _server = await listen(hello, [{ type: "unix", path }], ALONE);
    expect(await ask(path)).toBe("hello");
  });

  test("that is served by another is left alone", async () => {
    await using _first = await listen(hello, [{ type: "unix", path }], ALONE);
    const error = await refusalOf(listen(hello, [{ type: "unix", path }], ALONE));
    expect(error.message).toContain("another process is serving there");
    expect(await ask(path)).toBe("hello");
  });

  test.each(["file", "link"])("does not take the place of a %s", async (kind) => {
    const precious = join(folder, "precious");
    writeFileSync(precious, "precious");
    if (kind === "file") writeFileSync(path, "precious");
    else symlinkSync(precious, path);
    const error = await refusalOf(listen(hello, [{ type: "unix", path }], ALONE));
    expect(error.message).toContain("is no socket");
    expect(await Bun.file(path).text()).toBe("precious");
  });

  test("that the kernel refuses is told in the kernel's words", async () => {
    const long = join(folder, "x".repeat(120));
    const error = await refusalOf(listen(hello, [{ type: "unix", path: long }], ALONE));
    expect(error.message).toStartWith(`cannot serve HTTP on unix:${long}: ENAMETOOLONG`);
    expect(error.cause).toBeInstanceOf(Error);
  });
});

describe("a TCP port", () => {
  test.each(["127.0.0.1", "::1"])(
    "of %s is served, and the real one is told where 0 was asked",
    async (hostname) => {
      await using server = await listen(hello, [{ type: "tcp", hostname, port: 0 }], ALONE);
      const [address] = server.addresses;
      if (address?.type !== "tcp") throw new Error("no TCP address was told");
      expect(address.port).toBeGreaterThan(0);
      expect(await (await fetch(`http://${addressLabel(address)}/`)).text()).toBe("hello");
    },
  );

  test("that is taken is refused, and what was bound before it is let go", async () => {
    await using first = await listen(hello, [{ type: "tcp", hostname: "127.0.0.1", port: 0 }], ALONE);
    const [taken] = first.addresses;
    if (taken === undefined) throw new Error("no address was told");
    const error = await refusalOf(listen(hello, [{ type: "unix", path }, taken], ALONE));
    expect(error.message).toStartWith(`cannot serve HTTP on ${addressLabel(taken)}`);
    expect(error.address).toEqual(taken);
    expect(existsSync(path)).toBe(false);
  });
});

describe("the end", () => {
  test("lets a request that is under way be answered", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const slow = async () => {
      resolve();
      await Bun.sleep(50);
      return hello();
    };
    const server = await listen(slow, [{ type: "unix", path }], ALONE);
    const answer = ask(path);
    await asked;
    await server[Symbol.asyncDispose]();
    expect(await answer).toBe("hello");
  });

  test("waits for an open stream no longer than the grace", async () => {
    const endless = () => new Response(new ReadableStream({ start: (stream) => stream.enqueue("first") }));
    const server = await listen(endless, [{ type: "unix", path }], { group: null, grace: 100 });
    const response = await fetch("http://localhost/", { unix: path });
    const reader = response.body?.getReader();
    await reader?.read();
    const begun = performance.now();
    await server[Symbol.asyncDispose]();
    const took = performance.now() - begun;
    expect(took).toBeGreaterThanOrEqual(95);
    expect(took).toBeLessThan(1500);
    expect(reader?.read()).rejects.toThrow();
  });

  test("has one grace for all addresses", async () => {
    const endless = () => new Response(new ReadableStream({ start: (stream) => stream.enqueue("first") }));
    const other = join(folder, "other.sock");
    const addresses = [
      { type: "unix", path },
      { type: "unix", path: other },
    ] as const;
    const server = await listen(endless, addresses, { group: null, grace: 300 });
    const streams = [path, other].map((unix) => fetch("http://localhost/", { unix }));
    await Promise.all(streams);
    const begun = performance.now();
    await server[Symbol.asyncDispose]();
    expect(performance.now() - begun).toBeLessThan(600);
  });

  test("may be asked for twice", async () => {
    const server = await listen(hello, [{ type: "unix", path }], ALONE);
    await server[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test("does not take away the socket of a server that came after", async () => {
    const { promise: forever } = Promise.withResolvers<Response>();
    const options = { group: null, grace: 100 };
    const first = await listen(() => forever, [{ type: "unix", path }], options);
    const unanswered = ask(path).catch(() => null);
    await Bun.sleep(20);
    const ended = first[Symbol.asyncDispose]();
    await using _second = await listen(hello, [{ type: "unix", path }], ALONE);
    await ended;
    await unanswered;
    expect(await ask(path)).toBe("hello");
  });
});

/** What a request that is written by hand is answered; fetch() would mend it. */
async function answerTo(socket: string, request: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = "";
  await Bun.connect({
    unix: socket,
    socket: {
      open: (connection) => void connection.write(request),
      data: (_, bytes) => {
        answer += bytes.toString();
      },
      close: () => resolve(answer),
    },
  });
  return promise;
}

describe("the app over a socket", () => {
  const app = createApp({
    version: "1.2.3",
    status: () => {
      throw new Error("nobody asks");
    },
    readiness: () => ({ ready: true, reasons: [] }),
    devices: async () => [],
    events: { open: () => null },
    metrics: () => [],
    report: () => {},
  });

  test.each([
    ["GET /healthz HTTP/1.0", 200],
    ["GET /healthz HTTP/1.1\r\nHost:", 200],
    ["GET /healthz?x HTTP/1.1\r\nHost: localhost", 200],
    ["GET /healthz HTTP/1.1\r\nHost: rebound.example.com", 403],
    ["GET http://localhost/healthz HTTP/1.1\r\nHost: rebound.example.com", 403],
    ["GET /healthz HTTP/1.1\r\nHost: no host/at all", 403],
    ["GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: rebound.example.com", 403],
    ["POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0", 405],
    ["TRACE /healthz HTTP/1.1\r\nHost: localhost", 405],
  ])("answers %j with %i", async (head, status) => {
    await using _server = await listen(app.fetch, [{ type: "unix", path }], ALONE);
    const answer = await answerTo(path, `${head}\r\nConnection: close\r\n\r\n`);
    expect(answer).toStartWith(`HTTP/1.1 ${status} `);
  });
});

test.each([
  [{ type: "unix", path: "/run/netdevd/netdevd.sock" }, "unix:/run/netdevd/netdevd.sock"],
  [{ type: "tcp", hostname: "127.0.0.1", port: 9469 }, "127.0.0.1:9469"],
  [{ type: "tcp", hostname: "::1", port: 9469 }, "[::1]:9469"],
] as const)("%p is written %s", (address, label) => expect(addressLabel(address)).toBe(label));
