import { type ChildProcess, execFile, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const binary = process.env["FAKEMODEL_BIN"] ?? join(root, "bin", "fakemodel");

/** A model server of the tests: where it listens. What its models do stands in their names. */
export interface ModelServer {
  url: string;
  remove: () => Promise<void>;
}

/** Makes the program, unless FAKEMODEL_BIN names one that is there. */
export async function buildModelServer(): Promise<void> {
  if (process.env["FAKEMODEL_BIN"]) return;
  await promisify(execFile)("go", ["build", "-o", binary, "./scripts/fakemodel"], { cwd: root, env: { ...process.env, CGO_ENABLED: "0" } });
}

/** Starts it on a free loopback port. */
export async function startModelServer(models: readonly string[]): Promise<ModelServer> {
  const child: ChildProcess = spawn(binary, ["-models", models.join(" ")], { stdio: ["ignore", "pipe", "pipe"] });
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the model server ended with ${code}\n${said}`)));
    child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const found = /serves (http:\/\/[\d.:]+)/.exec(said)?.[1];
      if (found) resolve(found);
    });
  });
  child.removeAllListeners("exit");
  return {
    url,
    remove: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once("exit", () => resolve());
        child.kill("SIGKILL");
      }),
  };
}
