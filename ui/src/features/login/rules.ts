/** The shortest password the server takes. */
export const leastLength = 12;

export interface PasswordRules {
  length: boolean;
  own: boolean;
}

/**
 * Checks a new password while it is typed, by the rules the server decides with:
 * the length counts characters as people see them, and neither the e-mail address
 * nor a longer part of the name may be in it.
 */
export function checkPassword(password: string, { email, name }: { email: string; name: string }): PasswordRules {
  const lower = password.toLowerCase();
  const own = [email.split("@")[0] ?? "", ...name.split(/\s+/)].map((w) => w.toLowerCase()).filter((w) => [...w].length >= 4);
  return { length: [...password].length >= leastLength, own: password !== "" && !own.some((w) => lower.includes(w)) };
}
