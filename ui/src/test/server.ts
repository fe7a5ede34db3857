import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";

/**
 * The network that a test sees; each test says what it answers. Unless it says
 * otherwise there is no model, as in an installation that was just set up.
 */
export const server = setupServer(http.get("*/api/models", () => HttpResponse.json({ items: [], generation: "none" })));
