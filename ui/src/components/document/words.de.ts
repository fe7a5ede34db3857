import { documentWords } from "./words";

documentWords.put("de", {
  failed: "Das Dokument wurde nicht geladen.",
  gone: "Dieses Dokument ist nicht hier.",
  goneHelp: "Es wurde gelöscht, oder Sie dürfen es nicht lesen.",
  empty: "Dieses Dokument enthält keinen Text.",
  notReady: "Dieses Dokument wird noch gelesen. Sein Text steht hier, sobald es bereit ist.",
  morePrevious: "Vorhergehendes laden",
  moreNext: "Folgendes laden",
  page: (page) => `Seite ${page}`,
  passage: "Textstelle",
  passageOf: (number) => `Textstelle ${number}`,
  text: "Text des Dokuments",
  table: "Tabelle, seitlich verschiebbar",
});
