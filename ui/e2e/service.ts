import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A ChatETS of its own for one test: its address, and the link that sets it up. */
export interface Service {
  origin: string;
  setupLink: string;
  /** Ends the process, and starts it again at the same address with the same data. */
  stop: () => Promise<void>;
  start: () => Promise<void>;
  /** Ends the process and removes its data. */
  remove: () => Promise<void>;
}

const patience = 60_000;

/** Starts the binary named by CHATETS_BIN on a free loopback port, with an empty data directory. */
export async function startService(): Promise<Service> {
  const binary = process.env["CHATETS_BIN"];
  if (!binary) throw new Error("CHATETS_BIN must name the binary: run make test-e2e");
  const data = await mkdtemp(join(tmpdir(), "chatets-walk-"));
  // The service refuses CHATETS_ variables that it does not know.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("CHATETS_")));
  let running: ChildProcess;

  async function run(listen: string): Promise<{ origin: string; setupLink: string }> {
    const child = spawn(binary ?? "", ["serve", "--data", join(data, "data"), "--listen", listen, "--socket", join(data, "socket")], { env, stdio: ["ignore", "pipe", "pipe"] });
    running = child;
    let said = "";
    let complained = "";
    child.stderr.on("data", (chunk: Buffer) => (complained += chunk.toString()));
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${why}\n${said}\n${complained}`));
      const timer = setTimeout(() => fail("the service did not come up"), patience);
      child.once("exit", (code) => fail(`the service ended with ${code}`));
      child.once("error", (error) => fail(error.message));
      child.stdout.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        const origin = /serves (http:\/\/[\d.:]+)\n/.exec(said)?.[1];
        if (!origin) return;
        const setupLink = /(\S+\/setup#\S+)\n/.exec(said)?.[1] ?? "";
        // The link is printed right after the address, and only while it is needed.
        if (!setupLink && listen.endsWith(":0")) return;
        clearTimeout(timer);
        child.removeAllListeners("exit");
        resolve({ origin, setupLink });
      });
    });
  }

  function stop(): Promise<void> {
    const child = running;
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => child.kill("SIGKILL"), patience);
      child.once("exit", () => {
        clearTimeout(timer);
        resolve();
      });
      child.kill("SIGTERM");
    });
  }

  const { origin, setupLink } = await run("127.0.0.1:0");
  return {
    origin,
    setupLink,
    stop,
    start: async () => void (await run(new URL(origin).host)),
    remove: async () => {
      await stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}
