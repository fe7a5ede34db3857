package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// replyPlan says how an Out is written.
type replyPlan struct {
	status  []int // field Status, nil without one
	body    []int // field Body, nil without one
	headers []headerField
	filler  filler // of the body
}

type headerField struct {
	index []int
	name  string
}

var (
	cookieType  = reflect.TypeFor[http.Cookie]()
	jsonWriter  = reflect.TypeFor[json.Marshaler]()
	rawJSONType = reflect.TypeFor[json.RawMessage]()
)

// replyPlanOf reads the fields of an Out.
func replyPlanOf(t reflect.Type) *replyPlan {
	p := &replyPlan{}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name := f.Tag.Get("header")
		switch {
		case f.Name == "Status" && f.Type.Kind() == reflect.Int:
			p.status = f.Index
		case f.Name == "Body":
			p.body = f.Index
			p.filler = fillerOf(f.Type)
		case name != "":
			p.headers = append(p.headers, headerField{f.Index, name})
		default:
			panic(fmt.Sprintf("web: field %s of %s is neither Status, Body nor tagged header", f.Name, t))
		}
	}
	return p
}

// write answers with out, a pointer to an Out that may be nil.
func (p *replyPlan) write(c *fiber.Ctx, out reflect.Value, status int, secure bool) error {
	resp := c.Response()
	resp.SetStatusCode(status)
	if out.IsNil() {
		return nil
	}
	v := out.Elem()
	if p.status != nil {
		if n := int(v.FieldByIndex(p.status).Int()); n != 0 {
			status = n
			resp.SetStatusCode(n)
		}
	}
	for _, h := range p.headers {
		writeHeader(c, h.name, v.FieldByIndex(h.index), secure)
	}
	if p.body == nil || status == http.StatusNoContent || status == http.StatusNotModified {
		return nil
	}
	body := v.FieldByIndex(p.body)
	p.filler.fill(body)
	return writeJSON(c, body.Interface())
}

// writeHeader adds a header; empty values are left out.
func writeHeader(c *fiber.Ctx, name string, v reflect.Value, secure bool) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			writeHeader(c, name, v.Index(i), secure)
		}
		return
	}
	var text string
	switch v.Type() {
	case cookieType:
		ck := v.Interface().(http.Cookie)
		text = dressCookie(ck.String(), secure)
	case timeType:
		if t := v.Interface().(time.Time); !t.IsZero() {
			text = t.UTC().Format(http.TimeFormat)
		}
	default:
		text = fmt.Sprint(v.Interface())
	}
	if text != "" {
		c.Response().Header.Add(name, oneLine(text))
	}
}

// oneLine keeps a value from ending its header.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}

func writeJSON(c *fiber.Ctx, v any) error {
	resp := c.Response()
	resp.Header.SetContentType("application/json")
	e := json.NewEncoder(resp.BodyWriter())
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		resp.ResetBody()
		return fmt.Errorf("encode the answer: %w", err)
	}
	return nil
}

// filler makes empty lists of the nil ones in an answer, so that a client never
// meets null where the document says list. A nil filler has nothing to do.
type filler func(v reflect.Value)

func (f filler) fill(v reflect.Value) {
	if f != nil {
		f(v)
	}
}

// fillers are made once for each type, so that answers without lists cost
// nothing. A type inside itself finds the filler that is still being made.
type fillers struct {
	made   map[reflect.Type]filler
	making map[reflect.Type]*filler
}

func fillerOf(t reflect.Type) filler {
	return (&fillers{made: map[reflect.Type]filler{}, making: map[reflect.Type]*filler{}}).of(t)
}

func (fs *fillers) of(t reflect.Type) filler {
	if t == timeType || t == rawJSONType || t.Implements(jsonWriter) || reflect.PointerTo(t).Implements(jsonWriter) {
		return nil
	}
	if f, ok := fs.made[t]; ok {
		return f
	}
	if f, ok := fs.making[t]; ok {
		return func(v reflect.Value) { f.fill(v) }
	}
	f := new(filler)
	fs.making[t] = f
	defer func() { fs.made[t] = *f }()
	switch t.Kind() {
	case reflect.Pointer:
		if inner := fs.of(t.Elem()); inner != nil {
			*f = func(v reflect.Value) {
				if !v.IsNil() {
					inner(v.Elem())
				}
			}
		}
	case reflect.Slice:
		inner := fs.of(t.Elem())
		*f = func(v reflect.Value) {
			if v.IsNil() && v.CanSet() {
				v.Set(reflect.MakeSlice(t, 0, 0))
			}
			if inner != nil {
				for i := range v.Len() {
					inner(v.Index(i))
				}
			}
		}
	case reflect.Map:
		*f = func(v reflect.Value) {
			if v.IsNil() && v.CanSet() {
				v.Set(reflect.MakeMap(t))
			}
		}
	case reflect.Struct:
		*f = fs.ofStruct(t)
	}
	return *f
}

func (fs *fillers) ofStruct(t reflect.Type) filler {
	type part struct {
		index int
		fill  filler
	}
	var parts []part
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if !f.IsExported() || tag == "-" {
			continue
		}
		fill := fs.of(f.Type)
		if fill == nil {
			continue
		}
		if k := f.Type.Kind(); strings.Contains(tag, ",omit") && (k == reflect.Slice || k == reflect.Map) {
			whole := fill // a nil list is left out, and that is what it should be
			fill = func(v reflect.Value) {
				if !v.IsNil() {
					whole(v)
				}
			}
		}
		parts = append(parts, part{i, fill})
	}
	if len(parts) == 0 {
		return nil
	}
	return func(v reflect.Value) {
		for _, p := range parts {
			p.fill(v.Field(p.index))
		}
	}
}
