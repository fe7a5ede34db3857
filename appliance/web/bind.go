package web

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"chatets/appliance/fault"
)

// param is a field of an In that comes from the path, the query or the header.
type param struct {
	index    []int
	in, name string
	typ      reflect.Type
	schema   *huma.Schema
	required bool
	standing string // default, as text
	hidden   bool
}

// plan says how an In is filled from a request. It is made once, at
// registration, where everything it does not understand is a panic.
type plan struct {
	params  []param
	queries map[string]bool // names the query may hold

	body     []int // field Body, nil without one
	schema   *huma.Schema
	required bool
	defaults []standing // of fields inside the body
	raw      []int      // field RawBody
}

type standing struct {
	index []int
	value reflect.Value
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	textReader = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// planOf reads the tags of an In.
func planOf(t reflect.Type, registry huma.Registry, hint string) *plan {
	p := &plan{queries: map[string]bool{}}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		switch f.Name {
		case "Body":
			p.body = f.Index
			p.schema = huma.SchemaFromField(registry, f, hint+"Request")
			p.required = f.Type.Kind() != reflect.Pointer && f.Type.Kind() != reflect.Interface || f.Tag.Get("required") == "true"
			p.findDefaults(f.Type, f.Index, registry)
			continue
		case "RawBody":
			if f.Type != reflect.TypeFor[[]byte]() {
				panic("web: RawBody must be []byte in " + t.String())
			}
			p.raw = f.Index
			continue
		}
		for _, in := range []string{"path", "query", "header"} {
			name, _, _ := strings.Cut(f.Tag.Get(in), ",")
			if name == "" {
				continue
			}
			p.params = append(p.params, paramOf(f, in, name, registry))
			if in == "query" {
				p.queries[name] = true
			}
			break
		}
	}
	return p
}

func paramOf(f reflect.StructField, in, name string, registry huma.Registry) param {
	q := param{
		index: f.Index, in: in, name: name, typ: f.Type, standing: f.Tag.Get("default"), hidden: f.Tag.Get("hidden") == "true",
		required: in == "path" || f.Tag.Get("required") == "true",
	}
	q.schema = huma.SchemaFromField(registry, f, "")
	if q.schema == nil || !settable(f.Type) {
		panic(fmt.Sprintf("web: a %s parameter cannot be of type %s", in, f.Type))
	}
	return q
}

func settable(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t == timeType || reflect.PointerTo(t).Implements(textReader) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}

// findDefaults collects the default tags of the body; inside lists there are none.
func (p *plan) findDefaults(t reflect.Type, index []int, registry huma.Registry) {
	if t.Kind() != reflect.Struct || t == timeType {
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(append([]int(nil), index...), i)
		if text, ok := f.Tag.Lookup("default"); ok {
			v := reflect.New(f.Type).Elem()
			if _, err := parseText(v, text); err != nil {
				panic(fmt.Sprintf("web: default of %s.%s: %v", t, f.Name, err))
			}
			p.defaults = append(p.defaults, standing{index: at, value: v})
			continue
		}
		p.findDefaults(f.Type, at, registry)
	}
}

// bind fills in from the request. All wrong values are named in one answer.
func (s *Server) bind(c *fiber.Ctx, sc *scope, p *plan, limit int64, in reflect.Value) error {
	check := &checker{registry: s.API.registry, patterns: &s.API.patterns}
	query, err := readQuery(c.Context().URI().QueryString())
	if err != nil {
		return err
	}
	for name := range query {
		if !p.queries[name] {
			check.add("query."+shown(name, 100), "There is no parameter %q here.", shown(name, 100))
		}
	}
	for i := range p.params {
		if err := p.params[i].bind(c, query, check, in); err != nil {
			return err
		}
	}
	if p.body != nil || p.raw != nil {
		if err := s.bindBody(c, sc, p, limit, check, in); err != nil {
			return err
		}
	}
	if len(check.wrong) > 0 {
		return invalid(check.wrong)
	}
	return nil
}

func invalid(wrong []fault.Detail) error {
	sentence := wrong[0].Sentence
	if n := len(wrong) - 1; n > 0 {
		sentence = fmt.Sprintf("%s There %s more.", sentence, map[bool]string{true: "is 1", false: "are " + strconv.Itoa(n)}[n == 1])
	}
	return fault.New(fault.Invalid, "%s", sentence).With(wrong...)
}

func readQuery(raw []byte) (url.Values, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	query, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, fault.New(fault.Malformed, "The part of the address after ? cannot be read.").
			Cure("Encode special characters with %%, as in %%20 for a space.").Because(err)
	}
	for name, values := range query {
		if !readable(name) {
			return nil, unreadableText("query", "The name of a parameter")
		}
		for _, v := range values {
			if !readable(v) {
				return nil, unreadableText("query."+shown(name, 100), strconv.Quote(shown(name, 100)))
			}
		}
	}
	return query, nil
}

func readable(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }

func unreadableText(path, what string) error {
	sentence := what + " is not valid UTF-8 text without NUL characters."
	return fault.New(fault.Malformed, "%s", sentence).Code("not-utf8").With(fault.Detail{Field: path, Sentence: sentence})
}

func (q *param) bind(c *fiber.Ctx, query url.Values, check *checker, in reflect.Value) error {
	at := q.in + "." + q.name
	var values []string
	switch q.in {
	case "path":
		text, err := url.PathUnescape(c.Params(q.name))
		if err != nil || !readable(text) {
			return unreadableText(at, strconv.Quote(q.name))
		}
		values = []string{text}
	case "query":
		values = query[q.name]
	case "header":
		text := c.Get(q.name)
		if !readable(text) {
			return unreadableText(at, "The header "+q.name)
		}
		values = []string{text}
	}
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		if q.required {
			check.add(at, "%q is missing.", q.name)
			return nil
		}
		if q.standing == "" {
			return nil
		}
		values = []string{q.standing}
	}
	field := in.FieldByIndex(q.index)
	if q.typ.Kind() == reflect.Slice && !reflect.PointerTo(q.typ).Implements(textReader) {
		q.bindList(at, values, check, field)
		return nil
	}
	if len(values) > 1 {
		check.add(at, "%q is given more than once.", q.name)
		return nil
	}
	v, err := parseText(field, values[0])
	if err != nil {
		check.add(at, "%q must be %s.", q.name, err)
		return nil
	}
	check.value(at, q.schema, v)
	return nil
}

// bindList takes a list as one value with commas or as the same name again.
func (q *param) bindList(at string, values []string, check *checker, field reflect.Value) {
	var list []any
	for _, text := range strings.Split(strings.Join(values, ","), ",") {
		item := reflect.New(q.typ.Elem()).Elem()
		v, err := parseText(item, text)
		if err != nil {
			check.add(at, "%q must be %s.", q.name, err)
			return
		}
		field.Set(reflect.Append(field, item))
		list = append(list, v)
	}
	check.value(at, q.schema, list)
}

// parseText sets v from text and returns what the schema is to check. The error
// says what the text should have been.
func parseText(v reflect.Value, text string) (any, error) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if v.Type() == timeType {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, errors.New("a time like 2006-01-02T15:04:05Z")
		}
		v.Set(reflect.ValueOf(t))
		return text, nil
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return nil, errors.New("of another form")
		}
		return text, nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return text, nil
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, errors.New("true or false")
		}
		v.SetBool(b)
		return b, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return nil, errors.New("a whole number")
		}
		v.SetInt(n)
		return n, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return nil, errors.New("a whole number from 0 up")
		}
		v.SetUint(n)
		return n, nil
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil || f != f {
			return nil, errors.New("a number")
		}
		v.SetFloat(f)
		return f, nil
	}
	return nil, errors.New("of a type that is read")
}

func (s *Server) bindBody(c *fiber.Ctx, sc *scope, p *plan, limit int64, check *checker, in reflect.Value) error {
	b, err := s.openBody(c.Context(), sc, limit)
	if err != nil {
		return err
	}
	if p.raw == nil && !b.ended { // nothing sent needs no type
		if err := checkJSONType(&c.Request().Header); err != nil {
			return err
		}
	}
	data, err := io.ReadAll(b)
	if err != nil {
		return err
	}
	if p.raw != nil {
		in.FieldByIndex(p.raw).SetBytes(data)
		return nil
	}
	if len(data) == 0 {
		if p.required {
			return fault.New(fault.Malformed, "The body is missing.").Cure("Send a JSON object.")
		}
		return nil
	}
	tree, wrong, err := decode(data)
	if err != nil {
		return err
	}
	check.wrong = append(check.wrong, wrong...)
	check.value("body", p.schema, tree)
	if len(check.wrong) > 0 {
		return nil
	}
	if err := json.Unmarshal(data, in.FieldByIndex(p.body).Addr().Interface()); err != nil {
		at := "body"
		var te *json.UnmarshalTypeError
		if errors.As(err, &te) && te.Field != "" {
			at += "." + te.Field
		}
		return fault.New(fault.Invalid, "%s has a value that does not fit.", label(at)).
			With(detail(at, "%s has a value that does not fit.", label(at))).Because(err)
	}
	for _, d := range p.defaults {
		if f := in.FieldByIndex(d.index); f.IsZero() {
			f.Set(d.value)
		}
	}
	return nil
}
