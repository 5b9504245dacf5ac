/** One event as a browser's EventSource would dispatch it. */
export interface ServerSentEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** What a stream has brought so far, by the rules of html.spec.whatwg.org, 9.2.6. */
export interface ReadStream {
  readonly events: readonly ServerSentEvent[];
  readonly comments: readonly string[];
  readonly retry: number | null;
}

/** Reads server-sent events; a block that has not ended yet is none. */
export function parseServerSentEvents(text: string): ReadStream {
  const events: ServerSentEvent[] = [];
  const comments: string[] = [];
  let retry: number | null = null;
  let id = "";
  for (const block of text.split(/\r\n\r\n|\n\n|\r\r/).slice(0, -1)) {
    let type = "message";
    const data: string[] = [];
    for (const line of block.split(/\r\n|\n|\r/)) {
      const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (field === "") comments.push(value);
      else if (field === "event") type = value;
      else if (field === "data") data.push(value);
      else if (field === "id") id = value;
      else if (field === "retry" && /^\d+$/.test(value)) retry = Number(value);
      else throw new Error(`a line that readers ignore: ${JSON.stringify(line)}`);
    }
    if (data.length > 0) events.push({ id, type, data: data.join("\n") });
  }
  return { events, comments, retry };
}
