package pdf

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Tesseract reads pictures with the program at path, in an empty environment.
func Tesseract(path string) func(ctx context.Context, image []byte, languages string) (string, error) {
	return func(ctx context.Context, image []byte, languages string) (string, error) {
		cmd := exec.CommandContext(ctx, path, "stdin", "stdout", "-l", languages, "tsv")
		cmd.Env = []string{}
		cmd.Stdin = bytes.NewReader(image)
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("read the picture of a page: %w", err)
		}
		return fromTSV(string(out)), nil
	}
}

// fromTSV joins the words of tesseract's table: a line break for a line, an
// empty line for a paragraph.
func fromTSV(table string) string {
	var b strings.Builder
	var paragraph, line string
	for _, row := range strings.Split(table, "\n") {
		f := strings.Split(strings.TrimRight(row, "\r"), "\t")
		if len(f) < 12 || f[0] != "5" || strings.TrimSpace(f[11]) == "" {
			continue
		}
		p := strings.Join(f[1:4], ".")
		l := p + "." + f[4]
		switch {
		case b.Len() == 0:
		case p != paragraph:
			b.WriteString("\n\n")
		case l != line:
			b.WriteByte('\n')
		default:
			b.WriteByte(' ')
		}
		paragraph, line = p, l
		b.WriteString(f[11])
	}
	return b.String()
}
