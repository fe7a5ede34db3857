/** The endings of the files that the server reads, as appliance/extract/format.go lists them; a test compares the two. */
const documents =
  ".txt .text .log .md .markdown .mdown .mkd .pdf .docx .docm .dotx .pptx .pptm .ppsx .xlsx .xlsm .xltx .odt .ott .ods" +
  " .ots .odp .otp .rtf .html .htm .xhtml .csv .tsv .tab .json .jsonl .ndjson .xml .eml .mbox .epub .zip .png .jpg .jpeg .tif .tiff";

/** Programs and configuration. */
const sources =
  ".go .c .h .cc .cpp .hpp .cs .java .kt .scala .swift .rs .py .rb .php .pl .pm .lua .r .m .jl .js .mjs .jsx .ts .tsx" +
  " .vue .css .scss .less .sql .sh .bash .zsh .ps1 .bat .cmd .yaml .yml .toml .ini .cfg .conf .properties .env .tf .proto" +
  " .graphql .gradle .cmake .mk .dockerfile .tex .bib .diff .patch .st .scl .awl .vb .vbs .bas .pas .f .f90 .asm .s .vhd" +
  " .v";

/** For the system's file chooser. Whoever asks it for all files gets the server's own answer. */
export const accept = `${documents} ${sources}`.split(" ").join(",");
