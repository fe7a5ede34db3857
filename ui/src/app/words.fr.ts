import { appWords } from "./words";

appWords.put("fr", appWords.english);
