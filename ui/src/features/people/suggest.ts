// Without the letters that are mistaken for each other when read out or copied.
const letters = "abcdefghjkmnpqrstuvwxyz23456789";

/** A password to begin with: four groups of four, easy to read out over the telephone. */
export function suggestPassword(random: (bytes: Uint8Array) => Uint8Array = (b) => crypto.getRandomValues(b)): string {
  const chosen: string[] = [];
  // Bytes beyond the last whole turn of the alphabet would make some letters likelier.
  const fair = 256 - (256 % letters.length);
  while (chosen.length < 16) {
    for (const byte of random(new Uint8Array(32))) {
      if (byte < fair && chosen.length < 16) chosen.push(letters.charAt(byte % letters.length));
    }
  }
  return [0, 4, 8, 12].map((at) => chosen.slice(at, at + 4).join("")).join("-");
}
