import { describe, expect, it } from "vitest";
import { aSession } from "@/test/people";
import { readBootstrap } from "./bootstrap";

describe("readBootstrap", () => {
  const session = aSession();
  it.each([
    ["a session", JSON.stringify({ session }), { session }],
    ["a session without a wrapper", JSON.stringify(session), { session }],
    ["a house to be set up", '{"setup":true}', { setup: true }],
    ["a house that is set up", '{"setup":false}', { setup: false }],
    ["nothing", "", null],
    ["no element", undefined, null],
    ["a broken page", "{", null],
    ["something else", '{"session":{"person":null}}', null],
  ])("reads %s", (_name, text, want) => {
    expect(readBootstrap(text)).toEqual(want);
  });
});
