import { profileWords } from "./words";

profileWords.put("de", {});
