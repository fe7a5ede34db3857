/**
 * The files of a drop. A folder is opened and its files taken; what only looks like a file (text dragged from
 * a page) is left out. The list must be read before the event ends, so it is read first and opened after.
 */
export function droppedFiles(data: DataTransfer): Promise<File[]> {
  const items = Array.from(data.items).filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.length === 0 || entries.every((entry) => entry === null)) return Promise.resolve(Array.from(data.files));
  const files = items.map((item) => item.getAsFile());
  return Promise.all(entries.map((entry, i) => (entry?.isDirectory ? filesIn(entry, 0) : Promise.resolve([files[i] ?? null])))).then((found) =>
    found.flat().filter((file) => file !== null),
  );
}

const folders = new WeakMap<File, string>();

/** The folder a file came in: the path below what was dropped or chosen, "" for a file by itself. */
export function folderOf(file: File): string {
  return folders.get(file) ?? file.webkitRelativePath?.split("/").slice(0, -1).join("/") ?? "";
}

/** A folder in a folder in a folder: deeper than this somebody dropped a whole disk. */
const deepest = 8;

async function filesIn(entry: FileSystemEntry, depth: number): Promise<(File | null)[]> {
  if (entry.name.startsWith(".")) return [];
  if (isFile(entry)) {
    const file = await new Promise<File | null>((resolve) => entry.file(resolve, () => resolve(null)));
    if (file) folders.set(file, entry.fullPath.split("/").filter(Boolean).slice(0, -1).join("/"));
    return [file];
  }
  if (!isFolder(entry) || depth > deepest) return [];
  const reader = entry.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    // A reader gives at most a hundred entries at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (some.length === 0) break;
    found.push(...some);
  }
  return (await Promise.all(found.map((inner) => filesIn(inner, depth + 1)))).flat();
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
