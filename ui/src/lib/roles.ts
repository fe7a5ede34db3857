/** Whether a person may manage people: the same rule as the server's, which decides. */
export function administers(person: { role: string; workspaceRole: string }): boolean {
  return person.role === "owner" || person.role === "admin" || person.workspaceRole === "admin";
}
