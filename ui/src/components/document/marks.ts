import type { Block } from "@/api/content";
import { columnName } from "./layout";

/** A stretch of a document's text, in code points of it. */
export interface Stretch {
  from: number;
  to: number;
}

/** A place on a page, in fractions of its width and height from its upper left corner. */
export interface Mark {
  page: number;
  x: number;
  y: number;
  w: number;
  h: number;
}

const clamp = (n: number) => Math.min(1, Math.max(0, n));
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/**
 * Where a passage stands on its pages. A line that the passage takes in part is marked in part: letters are
 * taken to be equally wide, which is wrong by less than a letter or two. Lines that were turned on the page
 * are marked whole.
 */
export function marksOf(blocks: readonly Block[], passage: Stretch): Mark[] {
  const marks: Mark[] = [];
  for (const block of blocks) {
    if (passage.from >= block.end || passage.to <= block.start) continue;
    for (const box of block.boxes ?? []) {
      const length = box.to - box.from;
      const first = Math.max(0, passage.from - block.start - box.from);
      const last = Math.min(length, passage.to - block.start - box.from);
      if (length <= 0 || last <= first) continue;
      const turned = length > 2 && box.h > box.w;
      const [a, b] = turned ? [0, 1] : [first / length, last / length];
      const mirrored = !turned && rightToLeft.test(block.text);
      const left = clamp(box.x + box.w * (mirrored ? 1 - b : a));
      const top = clamp(box.y);
      marks.push({ page: box.page || block.page, x: left, y: top, w: clamp(left + box.w * (b - a)) - left, h: clamp(top + box.h) - top });
    }
  }
  return marks;
}

/** Where a passage is: page, or sheet and range of cells; what the format has not is empty. */
export interface Place {
  page: number;
  sheet: string;
  cells: string;
  /** The file it stands in, inside a mail or an archive. */
  file: string;
}

export function placeOfPassage(blocks: readonly Block[], passage: Stretch): Place | undefined {
  const touched = blocks.filter((block) => passage.from < block.end && passage.to > block.start);
  const first = touched[0];
  if (!first) return undefined;
  const page = marksOf(touched, passage)[0]?.page ?? first.page;
  // A heading that gives the sheet its name stands in no cell.
  const sheet = touched.find((block) => block.sheet)?.sheet ?? "";
  const cells = touched.filter((block) => (block.sheet ?? "") === sheet).map((block) => block.cells ?? "");
  return { page, sheet, cells: joinCells(cells), file: first.file ?? "" };
}

/** The one range that takes in all of them: A3:F3 and A5:F5 are A3:F5. */
export function joinCells(ranges: readonly string[]): string {
  let left = Infinity;
  let top = Infinity;
  let right = 0;
  let bottom = 0;
  for (const range of ranges) {
    for (const cell of range.split(":")) {
      const [, letters, digits] = /^\$?([A-Z]{1,3})\$?(\d+)$/i.exec(cell.trim()) ?? [];
      if (!letters || !digits) continue;
      const column = columnNumber(letters);
      left = Math.min(left, column);
      right = Math.max(right, column);
      top = Math.min(top, Number(digits));
      bottom = Math.max(bottom, Number(digits));
    }
  }
  if (right === 0) return "";
  const first = columnName(left) + String(top);
  const last = columnName(right) + String(bottom);
  return first === last ? first : `${first}:${last}`;
}

function columnNumber(letters: string): number {
  return Array.from(letters.toUpperCase()).reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0);
}

/** Whether the pages of a document of this media type are slides. */
export function hasSlides(type: string): boolean {
  return type.includes("presentation");
}

/** Whether the server draws the pages of a document of this media type. */
export function isDrawn(type: string): boolean {
  return ["application/pdf", "image/png", "image/jpeg"].includes(type);
}
