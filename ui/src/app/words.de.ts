import { appWords } from "./words";

appWords.put("de", appWords.english);
