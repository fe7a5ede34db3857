import type { components } from "./schema";

/** Schema names one shape of the interface: `Schema<"Document">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];
