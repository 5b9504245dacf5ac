import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { createApp, type Readiness, type StatusSource } from "../../../src/http/app.ts";
import type { ListedDevice } from "../../../src/http/devices.ts";
import { OCCURRENCE_TYPES } from "../../../src/http/occurrence.ts";
import { occurrenceSchema } from "../../../src/http/occurrence-schema.ts";
import {
  type Status,
  type StatusContainer,
  type StatusHomecoming,
  statusOf,
} from "../../../src/http/status.ts";
import { attachment, facts } from "./facts.ts";

interface Shown {
  readonly status?: Partial<Status>;
  readonly readiness?: Readiness;
  readonly devices?: () => Promise<readonly ListedDevice[]>;
}

function ask({ status, readiness = { ready: true, reasons: [] }, devices = async () => [] }: Shown = {}) {
  const reported: Error[] = [];
  const source: StatusSource = {
    version: "1.2.3",
    status: () => ({ ...statusOf(facts([attachment])), ...status }),
    readiness: () => readiness,
    devices,
    metrics: () => [],
    events: { open: () => null },
    report: (fault) => reported.push(fault),
  };
  return { response: createApp(source).request("/"), reported };
}

async function textOf(shown: Shown = {}): Promise<string> {
  return await (await ask(shown).response).text();
}

interface Element {
  readonly tag: string;
  readonly attributes: readonly [string, string][];
  text: string;
}

/** All elements in order, as a parser of HTML sees them, with the text that stands right in them. */
function elementsOf(markup: string): Element[] {
  const elements: Element[] = [];
  const open: Element[] = [];
  new HTMLRewriter()
    .on("*", {
      element(element) {
        const attributes = Array.from(element.attributes, ([key = "", value = ""]): [string, string] => [
          key,
          value,
        ]);
        const found = { tag: element.tagName, attributes, text: "" };
        elements.push(found);
        if (["meta", "link", "img", "br", "input"].includes(found.tag)) return;
        open.push(found);
        element.onEndTag(() => void open.pop());
      },
      text({ text }) {
        const at = open.at(-1);
        if (at !== undefined) at.text += text;
      },
    })
    .transform(markup);
  return elements;
}

function unescaped(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}

/** A page on which every text that somebody else has a say in is `text`. */
function full(text: string): Shown {
  const problem = { code: "not-as-wanted", message: text, device: text } as const;
  const container: StatusContainer = {
    id: text,
    pid: null,
    netns: text,
    mapping: text,
    state: "stuck",
    since: "2026-11-24T12:00:00.000Z",
    devices: [
      {
        host_name: text,
        name: text,
        ifindex: 1,
        mac: text,
        mtu: 1500,
        addresses: [text],
        state: "stuck",
      },
    ],
    warnings: [problem],
    error: { ...problem, code: "stuck" },
  };
  const device: ListedDevice = {
    name: text,
    ifindex: 1,
    altnames: [text],
    mac: text,
    permanent_mac: text,
    pci: text,
    driver: text,
    pf: text,
    kind: text,
    state: text,
    holder: { containers: [text], mapping: text, name: text },
    guards: [{ rule: "built-on", liftable: true, reason: text }],
  };
  const past: StatusHomecoming = {
    at: "2026-11-24T12:00:00.000Z",
    container: text,
    mapping: text,
    device: text,
    outcome: "gone",
    warnings: [problem],
  };
  const config = { file: text, loaded_at: "", spool: text, results: text, state: text, mappings: [text] };
  return {
    status: { config, containers: [container], history: [past] },
    readiness: { ready: false, reasons: [text] },
    devices: async () => [device],
  };
}

/** Tags and attributes, but for when it was. */
function shape(markup: string): string[] {
  return elementsOf(markup).map(({ tag, attributes }) => (tag === "time" ? tag : `${tag} ${attributes}`));
}

describe("what others have named", () => {
  test.each([
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</bdi></td></table><h1>all is well</h1>",
    "<!-- ",
    "]]><![CDATA[",
    "</main><script src=//evil.example></script>",
    "</title></style></noscript><svg onload=alert(1)>",
    "&lt;b&gt;",
    "`b`",
  ])("%s is text, and nothing else of the page changes", async (text) => {
    const markup = await textOf(full(text));
    expect(shape(markup)).toEqual(shape(await textOf(full("ens4"))));
    const shown = elementsOf(markup).filter((element) => unescaped(element.text) === text);
    // Everywhere where the plain name stands.
    const plain = elementsOf(await textOf(full("ens4"))).filter((element) => element.text === "ens4");
    expect(shown.map(({ tag }) => tag)).toEqual(plain.map(({ tag }) => tag));
    expect(plain.length).toBeGreaterThan(20);
  });

  test("whatever it is, is text", async () => {
    const plain = shape(await textOf(full("ens4")));
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom(..."<>&\"'`/=!-a \n\0\u202e"), minLength: 1 }),
        async (text) => {
          expect(shape(await textOf(full(text)))).toEqual(plain);
        },
      ),
    );
  });

  test("does not turn what stands beside it around", async () => {
    const markup = await textOf(full("\u202etxt\u2066"));
    expect(markup).not.toMatch(/[\u202e\u2066]/);
    expect(markup).toContain('<bdi class="name">\\u{202e}txt\\u{2066}</bdi>');
  });
});

describe("the page", () => {
  test("may do what is written on it, and nothing else", async () => {
    const response = await ask().response;
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/html; charset=UTF-8");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    const policy = new Map(
      (response.headers.get("Content-Security-Policy") ?? "").split("; ").map((directive) => {
        const [name = "", ...values] = directive.split(" ");
        return [name, values.join(" ")];
      }),
    );
    const elements = elementsOf(await response.text());
    for (const tag of ["style", "script"]) {
      const [only, ...more] = elements.filter((element) => element.tag === tag);
      expect(more).toEqual([]);
      const digest = createHash("sha256")
        .update(only?.text ?? "")
        .digest("base64");
      expect(policy.get(`${tag}-src`)).toBe(`'sha256-${digest}'`);
      policy.delete(`${tag}-src`);
    }
    expect(Object.fromEntries(policy)).toEqual({
      "default-src": "'none'",
      "connect-src": "'self'",
      "img-src": "data:",
      "base-uri": "'none'",
      "form-action": "'none'",
      "frame-ancestors": "'none'",
    });
  });

  test("has nothing from elsewhere, and no script or style but its own", async () => {
    for (const { tag, attributes } of elementsOf(await textOf(full("ens4")))) {
      for (const [name, value] of attributes) {
        expect(name, tag).not.toMatch(/^on|^style$|^src/);
        if (name === "href") expect(value).toMatch(tag === "link" ? /^data:,$/ : /^\/[\w./]*$/);
      }
    }
    expect(await textOf(full("ens4"))).not.toMatch(/https?:|@import|url\(/);
  });

  test("is loaded anew without scripts, and looks at every kind of event with them", async () => {
    const markup = await textOf();
    expect(markup).toContain('<noscript><meta http-equiv="refresh" content="5"></noscript>');
    const script = elementsOf(markup).find(({ tag }) => tag === "script")?.text ?? "";
    expect(() => new Function(script)).not.toThrow();
    for (const type of OCCURRENCE_TYPES) expect(script).toContain(JSON.stringify(type));
    const told = occurrenceSchema.options.flatMap(({ entries: { type } }) =>
      "options" in type ? [...type.options] : [type.literal],
    );
    expect(told.toSorted()).toEqual([...OCCURRENCE_TYPES].toSorted());
  });

  test("every link leads to what is there", async () => {
    const links = elementsOf(await textOf()).flatMap(({ tag, attributes }) =>
      tag === "a" ? attributes.flatMap(([name, value]) => (name === "href" ? [value] : [])) : [],
    );
    expect(links.length).toBeGreaterThan(4);
    const app = createApp({
      version: "1.2.3",
      status: () => statusOf(facts([])),
      readiness: () => ({ ready: true, reasons: [] }),
      devices: async () => [],
      metrics: () => [],
      events: { open: () => new ReadableStream() },
      report: () => undefined,
    });
    for (const link of links) expect((await app.request(link)).status, link).toBe(200);
  });

  test("HEAD is the same without the page", async () => {
    const { response } = ask();
    expect((await response).headers.get("Content-Security-Policy")).not.toBeNull();
  });
});

describe("it shows", () => {
  test("a container with its device, inside and at home", async () => {
    const markup = await textOf();
    for (const word of [
      "trainer-7",
      "attached",
      "pid 4711",
      "ens4",
      "eth1",
      "192.168.0.1/24",
      "2026-11-23 12:34:56 UTC",
    ])
      expect(markup).toContain(word);
    expect(markup).toContain("<title>netdevd: ready</title>");
    expect(markup).not.toContain("What is wrong");
  });

  test("that all is at home", async () => {
    expect(await textOf({ status: { containers: [] } })).toContain("all devices are at home");
  });

  test("what is wrong, what is stuck, and what to do", async () => {
    const markup = await textOf({
      ...full("ens4"),
      readiness: { ready: false, reasons: ["the disk is full"] },
    });
    expect(markup).toContain("What is wrong");
    expect(markup).toContain("the disk is full");
    expect(markup).toContain('<span class="state bad">stuck</span>');
    expect(markup).toMatch(/What to do: .*<code>netdevd release<\/code>/);
  });

  test("what a container waits for, and what to do", async () => {
    const [holder] = attachment.holders;
    if (holder === undefined) throw new Error("it has one");
    const lacks = { code: "device-held", message: "ens4 is of c2", device: "ens4" } as const;
    const { containers } = statusOf({
      ...facts([]),
      waiting: [{ holder, mapping: "trainer", since: 0, lacks }],
    });
    const markup = await textOf({ status: { containers } });
    expect(markup).toContain("ens4 is of c2");
    expect(markup).toContain("What to do: end the container that holds it");
  });

  test("what came home of late and is not as it was, the newest first, and what is no more", async () => {
    const lost = (number: number) =>
      ({ code: "not-as-wanted", message: `ens${number} lacks something`, device: null }) as const;
    const history = Array.from({ length: 9 }, (_, at) => ({
      at: `2026-11-24T12:00:0${at}.000Z`,
      container: "c1",
      mapping: "trainer",
      device: `ens${at}`,
      outcome: at === 8 ? ("gone" as const) : ("home" as const),
      warnings: at === 7 ? [] : Array.from({ length: at === 3 ? 5 : 1 }, () => lost(at)),
    }));
    const markup = await textOf({ status: { history } });
    expect(Array.from(markup.matchAll(/ens(\d) lacks something/g), ([, number]) => number)).toEqual([
      ..."8654333",
    ]);
    expect(markup).toContain('<span class="state bad">gone</span>');
    expect(markup).toContain("2026-11-24 12:00:08 UTC");
    expect(markup).toContain("and 2 more, which <code>/v1/status</code> has");
    expect(markup).not.toContain("ens7");
    expect(await textOf()).not.toContain("Not as it was");
  });

  test("all of that where the devices cannot be listed", async () => {
    const fault = new Error("the kernel says no");
    const { response, reported } = ask({
      devices: async () => {
        throw fault;
      },
    });
    const markup = await (await response).text();
    expect(markup).toContain("trainer-7");
    expect(markup).toContain("could not be listed just now");
    expect(markup).not.toContain("the kernel says no");
    expect(reported).toEqual([fault]);
  });
});
