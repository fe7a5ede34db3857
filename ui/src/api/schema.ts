/**
 * The shapes of the HTTP interface, as openapi-typescript writes them from the
 * server's description. `npm run api` writes this file again from openapi.json.
 */
export interface paths {
  "/api/session": { parameters: None; get: operations["session"] };
  "/api/session/workspace": { parameters: None; post: operations["changeWorkspace"] };
  "/api/auth/login": { parameters: None; post: operations["login"] };
  "/api/auth/logout": { parameters: None; post: operations["logout"] };
  "/api/setup": { parameters: None; get: operations["setupState"]; post: operations["setup"] };
  "/api/sessions": { parameters: None; get: operations["listSessions"]; delete: operations["endOtherSessions"] };
  "/api/sessions/{id}": { parameters: None; delete: operations["endSession"] };
  "/api/password": { parameters: None; put: operations["changePassword"] };
  "/api/people": { parameters: None; get: operations["listPeople"]; post: operations["addPerson"] };
  "/api/people/{id}": { parameters: None; patch: operations["changePerson"] };
  "/api/people/{id}/password": { parameters: None; put: operations["setPassword"] };
  "/api/groups": { parameters: None; get: operations["listGroups"]; post: operations["addGroup"] };
  "/api/knowledge": { parameters: None; get: operations["listKnowledge"]; post: operations["addKnowledge"] };
  "/api/knowledge/{id}": {
    parameters: None;
    get: operations["knowledge"];
    patch: operations["changeKnowledge"];
    delete: operations["deleteKnowledge"];
  };
  "/api/knowledge/{id}/access": { parameters: None; get: operations["access"]; put: operations["changeAccess"] };
  "/api/documents": { parameters: None; get: operations["listDocuments"]; post: operations["addDocument"] };
  "/api/documents/{id}": { parameters: None; get: operations["document"]; delete: operations["deleteDocument"] };
  "/api/documents/{id}/retry": { parameters: None; post: operations["retryDocument"] };
  "/api/documents/{id}/cancel": { parameters: None; post: operations["cancelDocument"] };
  "/api/documents/{id}/content": { parameters: None; get: operations["content"] };
  "/api/search": { parameters: None; post: operations["search"] };
  "/api/conversations": { parameters: None; get: operations["listConversations"]; post: operations["ask"] };
  "/api/conversations/{id}": {
    parameters: None;
    get: operations["conversation"];
    patch: operations["renameConversation"];
    delete: operations["deleteConversation"];
  };
  "/api/conversations/{id}/messages": { parameters: None; post: operations["askAgain"] };
  "/api/runs/{id}/stop": { parameters: None; post: operations["stopRun"] };
  "/api/jobs": { parameters: None; get: operations["listJobs"] };
}

type None = { query?: never; header?: never; path?: never; cookie?: never };
type Path = { query?: never; header?: never; path: { id: string }; cookie?: never };
type Query<Q> = { query?: Q; header?: never; path?: never; cookie?: never };
type Paging = { limit?: number; cursor?: string };
type JSONBody<T> = { headers: { [name: string]: unknown }; content: { "application/json": T } };
type Empty = { headers: { [name: string]: unknown }; content?: never };
type Refusal = { headers: { [name: string]: unknown }; content: { "application/problem+json": components["schemas"]["Problem"] } };
type Ok<T> = { 200: JSONBody<T>; default: Refusal };
type Created<T> = { 201: JSONBody<T>; default: Refusal };
type Taken<T> = { 202: JSONBody<T>; default: Refusal };
type Gone = { 204: Empty; default: Refusal };
type Body<T> = { content: { "application/json": T } };

type S = components["schemas"];

export interface operations {
  session: { parameters: None; requestBody?: never; responses: Ok<S["Session"]> };
  changeWorkspace: { parameters: None; requestBody: Body<{ id: string }>; responses: Ok<S["Session"]> };
  login: {
    parameters: None;
    requestBody: Body<{ email: string; password: string; cookie?: boolean }>;
    responses: Ok<S["Login"]>;
  };
  logout: { parameters: None; requestBody?: never; responses: Gone };
  setupState: { parameters: None; requestBody?: never; responses: Ok<S["SetupState"]> };
  setup: {
    parameters: None;
    requestBody: Body<{ token: string; email: string; name: string; password: string }>;
    responses: Ok<S["Login"]>;
  };
  listSessions: { parameters: None; requestBody?: never; responses: Ok<S["PageSessionItem"]> };
  endOtherSessions: { parameters: None; requestBody?: never; responses: Gone };
  endSession: { parameters: Path; requestBody?: never; responses: Gone };
  changePassword: { parameters: None; requestBody: Body<{ current: string; password: string }>; responses: Gone };
  listPeople: { parameters: Query<Paging & { q?: string }>; requestBody?: never; responses: Ok<S["PagePerson"]> };
  addPerson: {
    parameters: None;
    requestBody: Body<{
      email: string;
      name: string;
      password: string;
      admin?: boolean;
      workspaceRole?: "admin" | "editor" | "member" | "guest";
    }>;
    responses: Created<S["Person"]>;
  };
  changePerson: {
    parameters: Path;
    requestBody: Body<{ name?: string; disabled?: boolean; role?: S["Person"]["role"]; workspaceRole?: S["Person"]["workspaceRole"] }>;
    responses: Ok<S["Person"]>;
  };
  setPassword: { parameters: Path; requestBody: Body<{ password: string }>; responses: Gone };
  listGroups: { parameters: Query<Paging>; requestBody?: never; responses: Ok<S["PageGroup"]> };
  addGroup: { parameters: None; requestBody: Body<{ name: string }>; responses: Created<S["Group"]> };
  listKnowledge: { parameters: Query<Paging>; requestBody?: never; responses: Ok<S["PageKnowledge"]> };
  addKnowledge: { parameters: None; requestBody: Body<{ name: string }>; responses: Created<S["Knowledge"]> };
  knowledge: { parameters: Path; requestBody?: never; responses: Ok<S["Knowledge"]> };
  changeKnowledge: { parameters: Path; requestBody: Body<{ name: string }>; responses: Ok<S["Knowledge"]> };
  deleteKnowledge: { parameters: Path; requestBody?: never; responses: Gone };
  access: { parameters: Path; requestBody?: never; responses: Ok<S["Access"]> };
  changeAccess: { parameters: Path; requestBody: Body<S["Access"]>; responses: Ok<S["Access"]> };
  listDocuments: {
    parameters: { query: Paging & { knowledge: string; q?: string }; header?: never; path?: never; cookie?: never };
    requestBody?: never;
    responses: Ok<S["PageDocument"]>;
  };
  addDocument: {
    parameters: { query: { knowledge: string; name: string }; header?: never; path?: never; cookie?: never };
    requestBody: { content: { "application/octet-stream": string } };
    responses: Taken<S["Document"]>;
  };
  document: { parameters: Path; requestBody?: never; responses: Ok<S["Document"]> };
  deleteDocument: { parameters: Path; requestBody?: never; responses: Gone };
  retryDocument: { parameters: Path; requestBody?: never; responses: Taken<S["Document"]> };
  cancelDocument: { parameters: Path; requestBody?: never; responses: Ok<S["Document"]> };
  content: {
    parameters: { query?: { from?: number }; header?: never; path: { id: string }; cookie?: never };
    requestBody?: never;
    responses: Ok<S["Content"]>;
  };
  search: {
    parameters: None;
    requestBody: Body<{ question: string; knowledge?: string[]; limit?: number }>;
    responses: Ok<S["PagePassage"]>;
  };
  listConversations: {
    parameters: Query<Paging & { q?: string }>;
    requestBody?: never;
    responses: Ok<S["PageConversation"]>;
  };
  ask: {
    parameters: None;
    requestBody: Body<{ message: string; knowledge?: string[]; model?: string }>;
    responses: { 200: JSONBody<S["Exchange"]>; 202: JSONBody<S["Accepted"]>; default: Refusal };
  };
  askAgain: {
    parameters: Path;
    requestBody: Body<{ message: string; knowledge?: string[]; model?: string; parent?: string }>;
    responses: { 200: JSONBody<S["Exchange"]>; 202: JSONBody<S["Accepted"]>; default: Refusal };
  };
  conversation: {
    parameters: { query?: { cursor?: string }; header?: never; path: { id: string }; cookie?: never };
    requestBody?: never;
    responses: Ok<S["Transcript"]>;
  };
  renameConversation: { parameters: Path; requestBody: Body<{ title: string }>; responses: Ok<S["Conversation"]> };
  deleteConversation: { parameters: Path; requestBody?: never; responses: Gone };
  stopRun: { parameters: Path; requestBody?: never; responses: { 202: Empty; default: Refusal } };
  listJobs: { parameters: Query<Paging>; requestBody?: never; responses: Ok<S["PageJob"]> };
}

export interface components {
  schemas: {
    Problem: {
      type: string;
      title: string;
      status: number;
      detail: string;
      code: string;
      cure?: string;
      request?: string;
      errors?: { field: string; sentence: string }[];
    };
    Person: {
      id: string;
      email: string;
      name: string;
      source: string;
      role: "owner" | "admin" | "auditor" | "";
      workspaceRole: "admin" | "editor" | "member" | "guest";
      disabled: boolean;
      /** Format: date-time */
      createdAt: string;
      /** Format: date-time */
      lastActive?: string;
    };
    Workspace: { id: string; name: string };
    Session: {
      person: components["schemas"]["Person"];
      workspace: components["schemas"]["Workspace"];
      workspaces: components["schemas"]["Workspace"][];
      csrf: string;
      /** Format: date-time */
      expiresAt: string;
    };
    Login: { token?: string; expiresAt: string; person: components["schemas"]["Person"]; csrf?: string };
    SetupState: { needed: boolean };
    SessionItem: {
      id: string;
      createdAt: string;
      lastSeen: string;
      address: string;
      agent: string;
      current: boolean;
      expiresAt: string;
    };
    Group: { id: string; name: string; members: number };
    Knowledge: {
      id: string;
      name: string;
      owner: string;
      ownerName: string;
      right: "read" | "edit";
      documents: number;
      size: number;
      working: number;
      createdAt: string;
      updatedAt: string;
    };
    Access: { entries: components["schemas"]["AccessEntry"][] };
    AccessEntry: { person?: string; group?: string; workspace?: string; right: "read" | "edit"; name?: string };
    Document: {
      id: string;
      knowledge: string;
      title: string;
      name: string;
      type: string;
      size: number;
      state: "waiting" | "extracting" | "embedding" | "ready" | "failed";
      reason?: string;
      cure?: string;
      progress?: components["schemas"]["Progress"];
      chunks: number;
      pages: number;
      characters: number;
      version: number;
      owner: string;
      ownerName: string;
      createdAt: string;
      updatedAt: string;
    };
    Progress: { done: number; total: number; note: string };
    Content: {
      document: components["schemas"]["Document"];
      blocks: components["schemas"]["Block"][];
      next: number | null;
    };
    Block: {
      kind: "heading" | "paragraph" | "item" | "code" | "quote" | "row";
      level: number;
      page: number;
      text: string;
      start: number;
      end: number;
    };
    Passage: {
      chunk: number;
      document: { id: string; title: string };
      knowledge: string;
      page: number;
      heading: string;
      start: number;
      end: number;
      text: string;
      score: number;
      coverage: number;
    };
    Citation: {
      number: number;
      document: { id: string; title: string };
      knowledge: string;
      version: number;
      page: number;
      heading: string;
      start: number;
      end: number;
      text: string;
    };
    Message: {
      id: string;
      conversation: string;
      parent: string;
      role: "user" | "assistant";
      content: string;
      kind: "question" | "extractive" | "none";
      state: "writing" | "done" | "failed" | "stopped" | "interrupted";
      citations: components["schemas"]["Citation"][];
      run?: string;
      problem?: components["schemas"]["Problem"];
      createdAt: string;
    };
    Conversation: {
      id: string;
      title: string;
      knowledge: string[];
      model: string;
      running: boolean;
      createdAt: string;
      updatedAt: string;
    };
    Transcript: {
      conversation: components["schemas"]["Conversation"];
      messages: components["schemas"]["Message"][];
      next: string;
    };
    Exchange: {
      conversation: components["schemas"]["Conversation"];
      question: components["schemas"]["Message"];
      answer: components["schemas"]["Message"];
    };
    Accepted: { conversation: { id: string }; run: { id: string }; question: { id: string }; answer: { id: string } };
    Job: {
      id: string;
      kind: string;
      state: string;
      progress: components["schemas"]["Progress"];
      attempt: number;
      attempts: number;
      error?: string;
      createdAt: string;
    };
    PagePerson: { items: components["schemas"]["Person"][]; next: string };
    PageSessionItem: { items: components["schemas"]["SessionItem"][]; next: string };
    PageGroup: { items: components["schemas"]["Group"][]; next: string };
    PageKnowledge: { items: components["schemas"]["Knowledge"][]; next: string };
    PageDocument: { items: components["schemas"]["Document"][]; next: string };
    PagePassage: { items: components["schemas"]["Passage"][]; next: string };
    PageConversation: { items: components["schemas"]["Conversation"][]; next: string };
    PageJob: { items: components["schemas"]["Job"][]; next: string };
  };
}
