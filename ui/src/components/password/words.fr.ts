import { passwordWords } from "./words";

passwordWords.put("fr", {
  missing: "Saisissez un mot de passe.",
  broken: "Le mot de passe ne respecte pas les règles ci-dessous.",
  length: (least) => `Au moins ${least} caractères`,
  own: "Ni le nom ni l’adresse e-mail",
  met: "respectée",
  open: "pas encore respectée",
});
