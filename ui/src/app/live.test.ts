import { describe, expect, it } from "vitest";
import { pauseBefore, readNotice } from "./live";

describe("readNotice", () => {
  it.each([
    ["a notice", '{"noun":"document","id":"d1"}', { noun: "document", id: "d1" }],
    ["a notice about a whole kind", '{"noun":"knowledge"}', { noun: "knowledge", id: "" }],
    ["no JSON", "ping", null],
    ["no noun", '{"id":"d1"}', null],
    ["a number for a noun", '{"noun":3}', null],
    ["bytes", new ArrayBuffer(2), null],
  ])("reads %s", (_name, text, want) => {
    expect(readNotice(text)).toEqual(want);
  });
});

describe("pauseBefore", () => {
  it("doubles up to a minute and is never in step with other tabs", () => {
    expect([0, 1, 2, 5, 6, 40].map((attempt) => pauseBefore(attempt, 1))).toEqual([1000, 2000, 4000, 32000, 60000, 60000]);
    expect(pauseBefore(2, 0)).toBe(2000);
    expect(pauseBefore(2, 0.5)).toBe(3000);
  });
});
