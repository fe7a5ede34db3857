import { Catalogue } from "@/lib/words";

export const peopleWords = new Catalogue({});
