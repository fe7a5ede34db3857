/** The shortest password the server takes, in characters. */
export const leastLength = 12;

export interface PasswordRules {
  length: boolean;
  own: boolean;
}

/** Whose password it is: these words must not be it. */
export interface PasswordOwner {
  email: string;
  name: string;
}

const letters = (text: string) => text.normalize("NFC").toLowerCase().replace(/\P{L}/gu, "");

/**
 * Checks a new password while it is typed, by the same rules as the server; the
 * server also knows the passwords that anybody would try first.
 */
export function checkPassword(password: string, { email, name }: PasswordOwner): PasswordRules {
  const core = letters(password);
  const own = password.toLowerCase() === email.trim().toLowerCase() || (core !== "" && (core === letters(name) || core === letters(email)));
  return { length: [...password.normalize("NFC")].length >= leastLength, own: password !== "" && !own };
}
