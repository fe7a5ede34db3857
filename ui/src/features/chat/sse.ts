/**
 * A parser for `text/event-stream`, fed with bytes as they arrive.
 *
 * The browser's own EventSource cannot send headers, cannot be told where to resume and hides why it
 * failed, so answers are read with fetch and this parser. It follows the WHATWG rules: a line ends with
 * CR, LF or CRLF, several `data` lines are joined by a newline, a line that begins with a colon is a
 * comment, and an event that was not closed by an empty line is never delivered.
 */
export interface ServerEvent {
  /** The last id seen on the stream, the place to resume from. */
  id: string;
  name: string;
  data: string;
}

/** No event of ours comes near this; a line that grows past it is not our server. */
const longestLine = 8 * 1024 * 1024;

export class EventParser {
  private readonly decoder = new TextDecoder("utf-8");
  private rest = "";
  private skipFeed = false;
  private id = "";
  private name = "";
  private data: string[] = [];

  /** Takes the next bytes and returns the events they complete. */
  push(chunk: Uint8Array): ServerEvent[] {
    const text = this.rest + this.decoder.decode(chunk, { stream: true });
    const events: ServerEvent[] = [];
    let from = 0;
    for (;;) {
      // A CR at the end of one read may be followed by its LF in the next: the pair is one line end.
      if (this.skipFeed && from < text.length) {
        if (text.charCodeAt(from) === 10) from++;
        this.skipFeed = false;
      }
      const end = lineEnd(text, from);
      if (end < 0) break;
      const event = this.line(text.slice(from, end));
      if (event) events.push(event);
      this.skipFeed = text.charCodeAt(end) === 13;
      from = end + 1;
    }
    this.rest = text.slice(from);
    if (this.rest.length > longestLine) throw new RangeError("event stream: a line is too long");
    return events;
  }

  private line(line: string): ServerEvent | undefined {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") this.data.push(value);
    else if (field === "event") this.name = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return undefined;
  }

  private dispatch(): ServerEvent | undefined {
    const { name, data } = this;
    this.name = "";
    this.data = [];
    if (data.length === 0) return undefined;
    return { id: this.id, name: name || "message", data: data.join("\n") };
  }
}

function lineEnd(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 10 || c === 13) return i;
  }
  return -1;
}
