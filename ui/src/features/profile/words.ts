import { Catalogue } from "@/lib/words";

export const profileWords = new Catalogue({});
