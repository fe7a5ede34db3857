// Package setting holds what administrators change while ChatETS runs: typed
// keys declared by the rooms that use them, every value kept with who set it and
// when, each change audited.
//
// What a newcomer gets wrong: a setting is not configuration. What must be known
// before the database is open (paths, listeners) belongs to config; config may
// fix a setting with Lock, and then nobody changes it at run time.
package setting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

// Settings is all settings of the installation. Make it with New.
type Settings struct {
	store store
	now   func() time.Time

	change sync.Mutex // one change at a time, so that memory and table agree
	mu     sync.RWMutex
	keys   map[string]*entry
}

// Key declares a setting. Name is lower camel case behind the room's name, for
// example "login.sessionHours", and never changes.
type Key[T any] struct {
	Name    string
	Default T
	Help    string        // one sentence for the person who changes it
	Check   func(T) error // nil accepts every T; a refusal is a fault whose sentence the person sees
}

// Value is a declared setting in the hands of its owner.
type Value[T any] struct {
	settings *Settings
	entry    *entry
}

// entry is a setting without its type.
type entry struct {
	name, help string
	fallback   json.RawMessage
	parse      func(json.RawMessage) (any, error)
	watch      func(any) // nil = nobody; set before the first change

	// Guarded by Settings.mu.
	value  any
	stored Version // Version.Version 0 while nobody has changed it
	locked bool
}

// Version is one value a setting had.
type Version struct {
	Version int64
	Value   json.RawMessage
	Owner   string // id of the person who set it
	Changed time.Time
}

// Declare adds a setting and returns it to its owner. A name declared twice, or
// a default its own check refuses, is a mistake in the program and panics. A
// stored value that the check of this release refuses is left in the history;
// the default is in force until somebody sets a new one.
func Declare[T any](s *Settings, k Key[T]) *Value[T] {
	check := k.Check
	if check == nil {
		check = func(T) error { return nil }
	}
	e := &entry{name: k.Name, help: k.Help, value: k.Default, parse: func(raw json.RawMessage) (any, error) {
		var v T
		if err := strict(raw, &v); err != nil {
			return nil, err
		}
		if err := check(v); err != nil {
			return nil, err
		}
		return v, nil
	}}
	var err error
	if e.fallback, err = json.Marshal(k.Default); err != nil {
		panic(fmt.Sprintf("setting %s: the default has no JSON: %v", k.Name, err))
	}
	if _, err := e.parse(e.fallback); err != nil {
		panic(fmt.Sprintf("setting %s: the default is refused: %v", k.Name, err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.keys[k.Name]; known != nil && known.parse != nil {
		panic("setting " + k.Name + " is declared twice")
	} else if known != nil { // read from the table before it was declared
		e.stored = known.stored
		if v, err := e.parse(known.stored.Value); err == nil {
			e.value = v
		}
	}
	s.keys[k.Name] = e
	return &Value[T]{settings: s, entry: e}
}

// Get is the value in force. It comes from memory and never fails.
func (v *Value[T]) Get(context.Context) T {
	v.settings.mu.RLock()
	defer v.settings.mu.RUnlock()
	return v.entry.value.(T)
}

// Watch has f told of the value now in force and of each later one, in order.
// Call it once, when the setting is declared; f must be quick.
func (v *Value[T]) Watch(f func(T)) {
	v.entry.watch = func(value any) { f(value.(T)) }
	f(v.Get(context.Background()))
}

// Set changes the value for everybody, as the actor of ctx.
func (v *Value[T]) Set(ctx context.Context, value T) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("setting %s: %w", v.entry.name, err)
	}
	return v.settings.Set(ctx, v.entry.name, raw, -1)
}

// Set changes the setting of the name to a JSON value. The version is the one
// the person saw, so that two people do not overwrite each other; -1 overwrites
// whatever is there.
func (s *Settings) Set(ctx context.Context, name string, raw json.RawMessage, version int64) error {
	a := actor.From(ctx)
	if err := a.Need(a.Administers()); err != nil {
		return errors.Join(err, s.store.refused(ctx, name))
	}
	s.change.Lock()
	defer s.change.Unlock()
	e, ok := s.entry(name)
	if !ok {
		return unknown(name)
	}
	value, err := e.parse(raw)
	if err != nil {
		e := fault.New(fault.Invalid, "The value does not fit the setting %s.", name).Because(err).
			With(fault.Detail{Field: "body.value", Sentence: sentence(err)})
		if cure := fault.Of(err).Cure; cure != "" && fault.Is(err, fault.Invalid) {
			e = e.Cure("%s", cure)
		}
		return e
	}
	var canonical bytes.Buffer
	if err := json.Compact(&canonical, raw); err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	s.mu.RLock()
	now, locked := e.stored, e.locked
	same := reflect.DeepEqual(e.value, value)
	s.mu.RUnlock()
	switch {
	case locked:
		return fault.New(fault.Conflict, "The setting %s is fixed by the configuration.", name).Code("setting-locked").
			Cure("Change it in the configuration file and restart ChatETS.")
	case version >= 0 && version != now.Version:
		return fault.New(fault.Conflict, "Somebody else has changed the setting %s meanwhile.", name).Code("setting-changed").
			Cure("Look at the new value and try again.")
	case same:
		return nil
	}
	next := Version{Version: now.Version + 1, Value: canonical.Bytes(), Owner: a.ID, Changed: s.now().UTC().Truncate(time.Millisecond)}
	err = s.store.add(ctx, name, next, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		e.value, e.stored = value, next
	})
	if err == nil && e.watch != nil {
		e.watch(value)
	}
	return err
}

// Lock fixes a declared setting to a value of the configuration: it is in force
// whatever the table says, and Set refuses to change it.
func (s *Settings) Lock(name string, raw json.RawMessage) error {
	e, ok := s.entry(name)
	if !ok {
		return unknown(name)
	}
	value, err := e.parse(raw)
	if err != nil {
		return fault.New(fault.Invalid, "The configuration sets %s to a value that does not fit: %s", name, sentence(err))
	}
	s.mu.Lock()
	e.value, e.locked = value, true
	s.mu.Unlock()
	if e.watch != nil {
		e.watch(value)
	}
	return nil
}

// History lists the values a setting had, newest first.
func (s *Settings) History(ctx context.Context, name string, before int64, limit int) ([]Version, error) {
	if _, ok := s.entry(name); !ok {
		return nil, unknown(name)
	}
	return s.store.history(ctx, name, before, limit)
}

func (s *Settings) entry(name string) (*entry, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.keys[name]
	return e, e != nil && e.parse != nil
}

// names lists the declared settings in order.
func (s *Settings) names() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := slices.Sorted(maps.Keys(s.keys))
	return slices.DeleteFunc(names, func(name string) bool { return s.keys[name].parse == nil })
}

func unknown(name string) error {
	return fault.New(fault.NotFound, "There is no setting %q.", name)
}

// strict reads one JSON value with nothing unknown in it and nothing behind it.
func strict(raw json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "Give one value.")
	}
	if string(bytes.TrimSpace(raw)) == "null" {
		return fault.New(fault.Invalid, "Give a value.")
	}
	return nil
}

// sentence tells the person why a value was refused, in their words and not in
// those of the JSON reader.
func sentence(err error) string {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return "Give " + article(kind.Type) + "."
	case errors.As(err, new(*json.SyntaxError)), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "This is no JSON value."
	}
	return fault.Of(err).Sentence
}

func article(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number of at least 0"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list"
	}
	return "an object"
}

// Between is a Check for numbers from low to high.
func Between[T int | int64 | float64](low, high T) func(T) error {
	return func(v T) error {
		if v < low || v > high {
			return fault.New(fault.Invalid, "Give a number from %v to %v.", low, high)
		}
		return nil
	}
}
