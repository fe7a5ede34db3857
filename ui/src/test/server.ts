import { setupServer } from "msw/node";

/** The network that a test sees; each test says what it answers. */
export const server = setupServer();
