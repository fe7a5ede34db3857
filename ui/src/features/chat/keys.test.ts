import { describe, expect, it } from "vitest";
import { plainAnswer, safeAddress, unwrapMarkers, wrapMarkers } from "./keys";

const known = new Set([1, 2, 12]);

describe("wrapMarkers", () => {
  const cases = [
    { name: "a known number", text: "a [1].", wrapped: true },
    { name: "two digits", text: "a [12]", wrapped: true },
    { name: "an unknown number", text: "a [3].", wrapped: false },
    { name: "an escaped bracket", text: "a \\[1].", wrapped: false },
    { name: "an escaped backslash before a marker", text: "a \\\\[1].", wrapped: true },
    { name: "a footnote", text: "a [^1]", wrapped: false },
    { name: "a task", text: "- [ ] a", wrapped: false },
  ];
  for (const { name, text, wrapped } of cases) {
    it(name, () => {
      const out = wrapMarkers(text, known);
      expect(out !== text).toBe(wrapped);
      expect(unwrapMarkers(out)).toBe(text);
    });
  }

  it("drops the wrapping characters when a text brings them itself", () => {
    expect(wrapMarkers("a\ue0001\ue001 b", known)).toBe("a1 b");
  });
});

describe("safeAddress", () => {
  const cases = [
    ["https://example.org/a", "https://example.org/a"],
    ["HTTP://example.org", "HTTP://example.org"],
    ["mailto:a@example.org", "mailto:a@example.org"],
    ["javascript:alert(1)", ""],
    [" javascript:alert(1)", ""],
    ["JaVaScRiPt://x%0aalert(1)", ""],
    ["data:text/html,x", ""],
    ["vbscript:x", ""],
    ["file:///etc/passwd", ""],
    ["//example.org", ""],
    ["/api/auth/logout", ""],
    ["", ""],
  ] as const;
  for (const [address, want] of cases) it(address || "nothing", () => expect(safeAddress(address)).toBe(want));
});

it("copies an answer as text", () => {
  expect(plainAnswer("Take 5 mg \\* daily [1]. See \\[3\\] [2].", false)).toBe("Take 5 mg * daily. See [3].");
  expect(plainAnswer("Take 5 mg \\* daily [1].", true)).toBe("Take 5 mg * daily [1].");
});
