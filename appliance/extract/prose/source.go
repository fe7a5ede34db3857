package prose

import (
	"context"
	"path"
	"strings"

	"chatets/appliance/extract/doc"
)

// A piece of source code ends at an empty line once it has this many
// characters, and in any case before it has the second number.
const (
	enoughCode = 900
	maxCode    = 1900
)

// Source reads source code and configuration in any language: code blocks that
// end between functions, so that a comment stays with what it explains.
func Source(ctx context.Context, in doc.Input, b *doc.Builder) error {
	return read(in, b, func(b *builder, text string) {
		b.lang = langName(strings.TrimPrefix(path.Ext(in.Name), "."))
		b.source(text)
	})
}

// source collects groups of lines, parted by empty lines before a line without
// indentation, into blocks.
func (b *builder) source(text string) {
	var block, group strings.Builder
	put := func() {
		b.add(doc.Code, 0, block.String())
		block.Reset()
	}
	join := func() {
		if block.Len() > 0 && (block.Len() >= enoughCode || block.Len()+group.Len() > maxCode) {
			put()
		}
		// Inside a long function the cut is at its own empty lines.
		rest := block.String() + group.String()
		group.Reset()
		block.Reset()
		for len(rest) > maxCode && b.Err() == nil {
			var part string
			part, rest = cutCode(rest)
			b.add(doc.Code, 0, part)
		}
		block.WriteString(rest)
	}
	empty := false
	for line := range strings.SplitSeq(text, "\n") {
		if b.Err() != nil {
			return
		}
		line = strings.ReplaceAll(strings.TrimRight(line, " \t"), "\t", "    ")
		top := line != "" && line[0] != ' ' && line[0] != '}' && line[0] != ')' && line[0] != ']'
		if empty && top || group.Len() > 64<<10 {
			join()
		}
		empty = line == ""
		group.WriteString(line)
		group.WriteByte('\n')
	}
	join()
	put()
}

// cutCode takes the first lines of a long piece of code: up to its last empty
// line that fits, otherwise up to the last line.
func cutCode(code string) (part, rest string) {
	head := doc.First(code, maxCode)
	if i := strings.LastIndex(head, "\n\n"); i > len(head)/3 {
		return code[:i], strings.TrimLeft(code[i:], "\n")
	}
	if i := strings.LastIndexByte(head, '\n'); i > 0 {
		return code[:i], code[i+1:]
	}
	return head, code[len(head):]
}
