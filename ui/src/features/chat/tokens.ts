/**
 * About how many tokens a text is, on the low side: what this calls too long is too long, and the server,
 * which counts with care, says the rest.
 */
export function tokensOf(text: string): number {
  let quarters = 0;
  for (const letter of text) quarters += (letter.codePointAt(0) ?? 0) < 0x300 ? 1 : 3;
  return Math.ceil(quarters / 4);
}

/** A number of tokens in few letters: 6.2k. Contexts are counted in steps of 1,024 where their limit is. */
export function shortTokens(language: string, tokens: number, limit: number): string {
  const step = limit % 1024 === 0 ? 1024 : 1000;
  if (tokens < step) return new Intl.NumberFormat(language).format(tokens);
  const n = tokens / step;
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: n < 10 ? 1 : 0 }).format(n)}k`;
}

/** The most characters that one message may have, whoever answers. */
export const longestMessage = 32_000;

export interface Fill {
  limit: number;
  /** With the draft. */
  used: number;
  /** How full, from 0 to 1. */
  share: number;
  /** Something would be left out of the next answer. */
  cut: boolean;
}

/** How full the context would be with a draft; undefined where no model answers. */
export function fillOf(room: { limit: number; used: number; reserved: number } | undefined, draft: string): Fill | undefined {
  if (!room || room.limit <= 0) return undefined;
  const used = room.used + (draft.trim() ? tokensOf(draft) : 0);
  return { limit: room.limit, used, share: Math.min(1, used / room.limit), cut: used + room.reserved > room.limit };
}

export interface TooLong {
  unit: "tokens" | "characters";
  has: number;
  most: number;
}

/** Why a draft cannot be sent: both numbers, or undefined when it can. */
export function tooLong(room: { maxMessage: number } | undefined, draft: string): TooLong | undefined {
  const text = draft.trim();
  const characters = text.length > longestMessage ? Array.from(text).length : text.length;
  if (characters > longestMessage) return { unit: "characters", has: characters, most: longestMessage };
  if (!room || room.maxMessage <= 0) return undefined;
  const tokens = tokensOf(text);
  return tokens > room.maxMessage ? { unit: "tokens", has: tokens, most: room.maxMessage } : undefined;
}
