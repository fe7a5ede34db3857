/** Whether a person runs the installation: the same rule as the server's, which decides. */
export function administers(person: { role: string }): boolean {
  return person.role === "owner" || person.role === "admin";
}
