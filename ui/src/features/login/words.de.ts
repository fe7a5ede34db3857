import { loginWords } from "./words";

loginWords.put("de", {});
