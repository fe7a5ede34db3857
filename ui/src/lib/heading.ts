/** The headings above a passage come from the server as one line each, the outermost first. */
function lines(heading: string): string[] {
  return heading.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** The nearest heading: the shortest word for a place in a document. */
export function lastHeading(heading: string): string {
  return lines(heading).at(-1) ?? "";
}

/** The whole way to a place, without the title of the document when it begins with it. */
export function headingPath(heading: string, title: string): string {
  const [first, ...rest] = lines(heading);
  if (first === undefined) return "";
  return (first === title ? rest : [first, ...rest]).join(" › ");
}
