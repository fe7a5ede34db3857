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
			p.filler = fillerOf(f.Type, map[reflect.Type]bool{})
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

// fillerOf looks once at a type, so that answers without lists cost nothing.
func fillerOf(t reflect.Type, inside map[reflect.Type]bool) filler {
	if inside[t] || t == timeType || t == rawJSONType || t.Implements(jsonWriter) || reflect.PointerTo(t).Implements(jsonWriter) {
		return nil // a type inside itself keeps its nils
	}
	inside[t] = true
	defer delete(inside, t)
	switch t.Kind() {
	case reflect.Pointer:
		inner := fillerOf(t.Elem(), inside)
		if inner == nil {
			return nil
		}
		return func(v reflect.Value) {
			if !v.IsNil() {
				inner(v.Elem())
			}
		}
	case reflect.Slice:
		inner := fillerOf(t.Elem(), inside)
		return func(v reflect.Value) {
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
		return func(v reflect.Value) {
			if v.IsNil() && v.CanSet() {
				v.Set(reflect.MakeMap(t))
			}
		}
	case reflect.Struct:
		return structFiller(t, inside)
	}
	return nil
}

func structFiller(t reflect.Type, inside map[reflect.Type]bool) filler {
	type part struct {
		index int
		fill  filler
	}
	var parts []part
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		// Left out when empty: a nil list is already what it should be.
		if !f.IsExported() || tag == "-" || strings.Contains(tag, ",omit") && f.Type.Kind() != reflect.Pointer && f.Type.Kind() != reflect.Struct {
			continue
		}
		if fill := fillerOf(f.Type, inside); fill != nil {
			parts = append(parts, part{i, fill})
		}
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
