/**
 * Offsets from the server count Unicode code points; JavaScript strings count UTF-16 units. These are the
 * only places where the one becomes the other. `text.slice(start, end)` with the server's numbers is wrong
 * as soon as an emoji or a rare ideograph stands before them.
 */

/** The index in UTF-16 units of the code point number `count`, at most the length of the text. */
export function unitIndex(text: string, count: number): number {
  let unit = 0;
  for (let point = 0; point < count && unit < text.length; point++) {
    const code = text.codePointAt(unit);
    unit += code !== undefined && code > 0xffff ? 2 : 1;
  }
  return unit;
}

/** How many code points a text holds. */
export function pointCount(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The part of a text between two code points. */
export function slicePoints(text: string, start: number, end: number): string {
  const from = unitIndex(text, Math.max(0, start));
  return text.slice(from, from + unitIndex(text.slice(from), Math.max(0, end - Math.max(0, start))));
}

export interface Cut {
  before: string;
  marked: string;
  after: string;
}

/**
 * Cuts a text that begins at code point `start` of its document where the passage [from, to) overlaps it.
 * `marked` is empty when they do not touch.
 */
export function cutPassage(text: string, start: number, from: number, to: number): Cut {
  const first = Math.max(0, from - start);
  const last = to - start;
  if (last <= 0 || last <= first) return { before: text, marked: "", after: "" };
  const a = unitIndex(text, first);
  const b = a + unitIndex(text.slice(a), last - first);
  return { before: text.slice(0, a), marked: text.slice(a, b), after: text.slice(b) };
}
