import { describe, expect, it } from "vitest";
import { formatAge, formatBytes, formatNumber } from "./format";

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

describe("formatBytes", () => {
  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1_200, "1.2 kB"],
    [18_400_000, "18.4 MB"],
    [212_000_000, "212 MB"],
    [1_300_000_000, "1.3 GB"],
  ])("%i", (bytes, want) => {
    expect(plain(formatBytes("en", bytes))).toBe(want);
  });
  it("follows the language", () => {
    expect(plain(formatBytes("de", 18_400_000))).toBe("18,4 MB");
    expect(plain(formatBytes("fr", 18_400_000))).toBe("18,4 Mo");
    expect(plain(formatBytes("fr", 758))).toBe("758 octets");
  });
});

describe("formatAge", () => {
  const now = Date.parse("2026-11-24T12:00:00Z");
  it.each([
    [0, "now"],
    [59_000, "now"],
    [-5_000, "now"],
    [3 * 60_000, "3 min"],
    [26 * 60_000 + 59_000, "26 min"],
    [2 * 3_600_000, "2 h"],
    [9 * 86_400_000, "9 d"],
    [200 * 86_400_000, "8 May 2026"],
  ])("%i ms ago", (ago, want) => {
    expect(plain(formatAge("en", now - ago, now))).toBe(want);
  });
  it("follows the language", () => {
    expect(formatAge("de", now, now)).toBe("jetzt");
  });
});

describe("formatNumber", () => {
  it("separates thousands as the language does", () => {
    expect(formatNumber("en", 9418)).toBe("9,418");
    expect(plain(formatNumber("de", 9418))).toBe("9.418");
    expect(plain(formatNumber("fr", 9418))).toBe("9 418");
  });
});
