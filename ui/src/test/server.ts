import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";

/**
 * The network that a test sees; each test says what it answers. Unless it says
 * otherwise there is no model, no folder and no draft, as in an installation that was just set up.
 */
export const server = setupServer(
  http.get("*/api/models", () => HttpResponse.json({ items: [], generation: "none" })),
  http.get("*/api/chat/folders", () => HttpResponse.json({ items: [] })),
  http.get("*/api/drafts/:chat", () => HttpResponse.json({ text: "", version: 0 })),
  http.put("*/api/drafts/:chat", () => HttpResponse.json({ text: "", version: 0 })),
);
