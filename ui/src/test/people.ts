import type { Schema } from "@/api/types";

/** A person as the server tells of one; a test changes what it is about. */
export function aPerson(change: Partial<Schema<"Person">> = {}): Schema<"Person"> {
  return {
    id: "018f0000-0000-7000-8000-000000000001",
    email: "m.okafor@northfield.lan",
    name: "Miriam Okafor",
    source: "local",
    role: "owner",
    workspaceRole: "admin",
    disabled: false,
    createdAt: "2026-11-01T08:00:00Z",
    lastActive: "2026-11-24T08:00:00Z",
    ...change,
  };
}

/** A session of that person. */
export function aSession(change: Partial<Schema<"Person">> = {}): Schema<"Session"> {
  const workspace = { id: "018f0000-0000-7000-8000-0000000000aa", name: "Main" };
  return { person: aPerson(change), workspace, workspaces: [workspace], csrf: "token-of-this-page", expiresAt: "2026-11-25T08:00:00Z" };
}
