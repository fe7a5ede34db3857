import { peopleWords } from "./words";

peopleWords.put("fr", {});
