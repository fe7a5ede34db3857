import { describe, expect, it } from "vitest";
import { doorOf, returnPath } from "./return-path";

const at = (address: string) => new URL(address, "https://chat.lan");

describe("returnPath", () => {
  it.each([
    ["where one came from", "/knowledge/k1?tab=access#top", "/knowledge/k1?tab=access#top"],
    ["the start after set-up", "/setup#token", "/"],
    ["the start from the bare door", "/sign-in", "/"],
    ["the address the door was given", "/sign-in?to=%2Fc%2Fc1%3Fsource%3D2", "/c/c1?source=2"],
    ["never another host", "/sign-in?to=https%3A%2F%2Fevil.example%2F", "/"],
    ["never another host without a scheme", "/sign-in?to=%2F%2Fevil.example%2F", "/"],
    ["never another host by a backslash", "/sign-in?to=%2F%5Cevil.example", "/"],
    ["never back to a door", "/sign-in?to=%2Fsetup", "/"],
  ])("leads to %s", (_name, from, want) => {
    expect(returnPath(at(from))).toBe(want);
  });
});

describe("doorOf", () => {
  it("shows set-up only while it is needed", () => {
    expect(doorOf(at("/setup"), true)).toBe("set-up");
    expect(doorOf(at("/setup"), false)).toBe("sign-in");
    expect(doorOf(at("/knowledge"), true)).toBe("sign-in");
  });
});
