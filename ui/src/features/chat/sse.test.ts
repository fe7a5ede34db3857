import { describe, expect, it } from "vitest";
import { EventParser, type ServerEvent } from "./sse";

const bytes = (text: string) => new TextEncoder().encode(text);

function parse(...chunks: Uint8Array[]): ServerEvent[] {
  const parser = new EventParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
}

describe("EventParser", () => {
  const cases: { name: string; stream: string; events: ServerEvent[] }[] = [
    { name: "one event", stream: "id: 1\nevent: delta\ndata: a\n\n", events: [{ id: "1", name: "delta", data: "a" }] },
    { name: "carriage returns and feeds", stream: "id: 1\r\ndata: a\r\n\r\n", events: [{ id: "1", name: "message", data: "a" }] },
    { name: "carriage returns alone", stream: "id: 1\rdata: a\r\rdata: b\r\r", events: [{ id: "1", name: "message", data: "a" }, { id: "1", name: "message", data: "b" }] },
    { name: "several data lines", stream: "data: a\ndata\ndata: b\n\n", events: [{ id: "", name: "message", data: "a\n\nb" }] },
    { name: "only one leading space is taken", stream: "data:  a\ndata:b\n\n", events: [{ id: "", name: "message", data: " a\nb" }] },
    { name: "comments and heartbeats", stream: ": ok\n\n: ping\ndata: a\n\n", events: [{ id: "", name: "message", data: "a" }] },
    { name: "a name without data is nothing", stream: "event: delta\n\ndata: a\n\n", events: [{ id: "", name: "message", data: "a" }] },
    { name: "unknown fields and retry", stream: "retry: 10\nwhat: x\ndata: a\n\n", events: [{ id: "", name: "message", data: "a" }] },
    { name: "an id stays until the next one", stream: "id: 7\ndata: a\n\ndata: b\n\n", events: [{ id: "7", name: "message", data: "a" }, { id: "7", name: "message", data: "b" }] },
    { name: "an id with a NUL is not taken", stream: "id: 7\ndata: a\n\nid: 8\0\ndata: b\n\n", events: [{ id: "7", name: "message", data: "a" }, { id: "7", name: "message", data: "b" }] },
    { name: "a byte order mark", stream: "\ufeffdata: a\n\n", events: [{ id: "", name: "message", data: "a" }] },
    { name: "an event that is not closed", stream: "data: a\n\ndata: b\n", events: [{ id: "", name: "message", data: "a" }] },
  ];
  for (const { name, stream, events } of cases) it(name, () => expect(parse(bytes(stream))).toEqual(events));

  it("gives the same events wherever the bytes are cut", () => {
    const stream = bytes('\ufeff: ok\r\n\r\nid: 1\r\nevent: delta\r\ndata: {"text":"ηb 効率 👩‍⚕️"}\r\n\r\nid: 2\ndata: é\ndata: ü\n\n');
    const whole = parse(stream);
    expect(whole).toHaveLength(2);
    for (let i = 0; i <= stream.length; i++) expect(parse(stream.slice(0, i), stream.slice(i))).toEqual(whole);
    expect(parse(...Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  it("refuses a line without an end", () => {
    const parser = new EventParser();
    const piece = bytes("x".repeat(3 * 1024 * 1024));
    expect(() => [parser.push(piece), parser.push(piece), parser.push(piece)]).toThrow("too long");
  });
});
