import { loginWords } from "./words";

loginWords.put("fr", {});
