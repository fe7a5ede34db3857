import { profileWords } from "./words";

profileWords.put("fr", {});
