export type AgentName = { kind: "browser"; browser: string; system: string } | { kind: "command" } | { kind: "unknown" };

// The first that fits: every browser also claims to be the ones below it.
const browsers: readonly [RegExp, string][] = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/Chrome\/|\bCriOS\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const systems: readonly [RegExp, string][] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux|X11/, "Linux"],
];

/** Reads enough of a user agent to recognise one's own devices by. */
export function nameAgent(agent: string): AgentName {
  if (/^chatets\b/i.test(agent)) return { kind: "command" };
  const browser = browsers.find(([pattern]) => pattern.test(agent))?.[1];
  const system = systems.find(([pattern]) => pattern.test(agent))?.[1];
  return browser && system ? { kind: "browser", browser, system } : { kind: "unknown" };
}
