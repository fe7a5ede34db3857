package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"chatets/appliance/fault"
)

const (
	maxDepth    = 64     // levels of objects and arrays
	maxElements = 50_000 // values of a body: a megabyte of [[],[],…] must not become fifty in memory
	maxErrors   = 20     // wrong values that are named
)

// object is a JSON object with its fields in the order they came in.
type object struct {
	names  []string
	values map[string]any
}

// decoder reads JSON into object, []any, string, json.Number, bool and nil, and
// refuses what two readers could understand differently: a name given twice,
// text that is not UTF-8, NUL.
type decoder struct {
	d     *json.Decoder
	count int
	wrong []fault.Detail
}

// decode reads a whole body. The names of wrong values begin with "body".
func decode(data []byte) (any, []fault.Detail, error) {
	if i := firstInvalid(data); i >= 0 {
		return nil, nil, fault.New(fault.Malformed, "The body is not valid UTF-8 at byte %d.", i+1).Code("not-utf8").
			Cure("Send the body in UTF-8.")
	}
	dec := &decoder{d: json.NewDecoder(bytes.NewReader(data))}
	dec.d.UseNumber()
	v, err := dec.value("body", 0)
	if err != nil {
		return nil, nil, dec.malformed(err)
	}
	if _, err := dec.d.Token(); err != io.EOF {
		return nil, nil, fault.New(fault.Malformed, "The body holds more than one JSON value.")
	}
	return v, dec.wrong, nil
}

func firstInvalid(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

func (d *decoder) malformed(err error) error {
	var f *fault.Error
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &f):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Malformed, "The JSON of the body ends too early.").Code("truncated").Cure("Send the whole of it.").Because(err)
	case errors.As(err, &syntax):
		if strings.Contains(syntax.Error(), "unexpected end") {
			return fault.New(fault.Malformed, "The JSON of the body ends too early.").Code("truncated").Cure("Send the whole of it.").Because(err)
		}
		return fault.New(fault.Malformed, "The body is not valid JSON at byte %d.", syntax.Offset).Cure("Correct it there and send it again.").Because(err)
	}
	return fault.New(fault.Malformed, "The body is not valid JSON at byte %d.", d.d.InputOffset()).Cure("Correct it there and send it again.").Because(err)
}

func (d *decoder) value(path string, depth int) (any, error) {
	t, err := d.d.Token()
	if err != nil {
		return nil, err
	}
	if d.count++; d.count > maxElements {
		return nil, fault.New(fault.TooLarge, "The body holds more than %d values.", maxElements)
	}
	switch t := t.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return nil, fault.New(fault.Malformed, "The JSON of the body is nested deeper than %d levels.", maxDepth).Cure("Send only the fields that the API describes.")
		}
		if t == '{' {
			return d.object(path, depth)
		}
		return d.array(path, depth)
	case string:
		if strings.IndexByte(t, 0) >= 0 {
			d.mark(path, "%s must not hold NUL characters.", label(path))
		}
		return t, nil
	default:
		return t, nil
	}
}

func (d *decoder) object(path string, depth int) (any, error) {
	o := object{values: map[string]any{}}
	for d.d.More() {
		t, err := d.d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if !ok {
			return nil, fault.New(fault.Malformed, "The body is not valid JSON at byte %d.", d.d.InputOffset()).Cure("Correct it there and send it again.")
		}
		at := path + "." + shown(name, 100)
		v, err := d.value(at, depth+1)
		if err != nil {
			return nil, err
		}
		if _, twice := o.values[name]; twice {
			d.mark(at, "%s is given twice.", label(at))
		} else {
			o.names = append(o.names, name)
			o.values[name] = v
		}
	}
	_, err := d.d.Token() // the closing brace
	return o, err
}

func (d *decoder) array(path string, depth int) (any, error) {
	list := []any{}
	for d.d.More() {
		v, err := d.value(path+"["+strconv.Itoa(len(list))+"]", depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.d.Token() // the closing bracket
	return list, err
}

func (d *decoder) mark(path, format string, args ...any) {
	if len(d.wrong) < maxErrors {
		d.wrong = append(d.wrong, detail(path, format, args...))
	}
}
