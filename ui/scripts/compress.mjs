// Lays a .br and a .gz beside every text file of the build, so that the server
// hands out finished bytes and never compresses while somebody waits.
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const out = new URL("../../embed/ui/", import.meta.url).pathname;
const text = /\.(html|js|css|svg|json|webmanifest|txt|map)$/;

// The list of chunks is for the budgets, not for people.
const cache = new URL("../node_modules/.cache/chatets/", import.meta.url).pathname;
await mkdir(cache, { recursive: true });
await rename(join(out, "manifest.json"), join(cache, "manifest.json"));

for (const name of await readdir(out, { recursive: true })) {
  const path = join(out, name);
  // The page itself carries a bootstrap written per request: the server fills it
  // in, so a finished copy would be the wrong one.
  if (!text.test(name) || name === "index.html") continue;
  const body = await readFile(path);
  if (body.length < 512) continue;
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(body, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
    }),
    promisify(gzip)(body, { level: 9 }),
  ]);
  for (const [ending, packed] of [["br", br], ["gz", gz]]) {
    if (packed.length < body.length) await writeFile(`${path}.${ending}`, packed);
    else await rm(`${path}.${ending}`, { force: true });
  }
}
