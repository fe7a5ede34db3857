import { describe, expect, it } from "vitest";
import { headingPath, lastHeading } from "./heading";

describe("headings of a passage", () => {
  const cases = [
    { heading: "", last: "", path: "" },
    { heading: "Handbook", last: "Handbook", path: "" },
    { heading: "Handbook\nTests\nEfficiency", last: "Efficiency", path: "Tests › Efficiency" },
    { heading: "Other\nEfficiency\n", last: "Efficiency", path: "Other › Efficiency" },
  ];
  for (const { heading, last, path } of cases) {
    it(JSON.stringify(heading), () => {
      expect(lastHeading(heading)).toBe(last);
      expect(headingPath(heading, "Handbook")).toBe(path);
    });
  }
});
