package data

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"chatets/appliance/extract/doc"
	"chatets/appliance/extract/prose"
)

// JSON reads JSON and JSON lines: objects as rows of "name: value" under the
// path to them. What is not quite JSON, such as a file of settings with
// comments, is read as text.
func JSON(ctx context.Context, in doc.Input, b *doc.Builder) error {
	text, err := decode(in, b)
	if err != nil {
		return err
	}
	if !sound(text) {
		b.Note("The JSON has mistakes; it was read as text.")
		return prose.Source(ctx, in, b)
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	t := &tree{b: b}
	for b.Err() == nil {
		token, err := decoder.Token()
		if err != nil {
			break
		}
		t.open("")
		if err := t.value(decoder, token, ""); err != nil {
			break
		}
		t.close()
	}
	return b.Err()
}

// sound reports values one after the other that do not nest absurdly.
func sound(text string) bool {
	decoder := json.NewDecoder(strings.NewReader(text))
	depth := 0
	for {
		token, err := decoder.Token()
		if err != nil {
			return errors.Is(err, io.EOF) && depth == 0
		}
		if d, ok := token.(json.Delim); ok {
			if depth++; d == '}' || d == ']' {
				depth -= 2
			}
		}
		if depth > maxNested {
			return false
		}
	}
}

func (t *tree) value(decoder *json.Decoder, token json.Token, name string) error {
	if err := t.b.Err(); err != nil {
		return err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		t.pair(name, scalar(token))
		return nil
	}
	for decoder.More() {
		inner := name
		if delim == '{' {
			key, err := decoder.Token()
			if err != nil {
				return err
			}
			inner, _ = key.(string)
			inner = doc.First(doc.OneLine(inner), 100)
		}
		next, err := decoder.Token()
		if err != nil {
			return err
		}
		d, nested := next.(json.Delim)
		if nested && d == '{' {
			for i := range t.frames {
				t.row(i)
			}
			t.open(inner)
		}
		if err := t.value(decoder, next, inner); err != nil {
			return err
		}
		if nested && d == '{' {
			t.frames[len(t.frames)-1].group = true
			t.close()
		}
	}
	_, err := decoder.Token()
	return err
}

func scalar(token json.Token) string {
	switch v := token.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}
