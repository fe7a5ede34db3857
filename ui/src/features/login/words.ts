import { Catalogue } from "@/lib/words";

export const loginWords = new Catalogue({});
