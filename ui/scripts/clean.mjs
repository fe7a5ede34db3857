// Empties the build folder but for the README, which is part of the repository.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

const out = new URL("../../embed/ui/", import.meta.url).pathname;
for (const name of await readdir(out).catch(() => [])) {
  if (name !== "README.md") await rm(join(out, name), { recursive: true });
}
