import { peopleWords } from "./words";

peopleWords.put("de", {});
