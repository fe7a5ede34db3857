// Package audit is the record of who did what: rows chained by a keyed hash,
// written in the transaction of the act itself, so that there is no act without
// its row and no row without its act.
//
// What a newcomer gets wrong: an entry holds ids and numbers, never content. A
// title, an e-mail address or a question in Detail is withheld, because erasing
// a person must not have to break the chain.
package audit

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"sync"
	"time"

	"chatets/appliance/secret"
)

// Outcomes of an act.
const (
	OK      = "ok"      // it was done
	Refused = "refused" // it was not allowed
	Failed  = "failed"  // it was allowed and went wrong
)

// Entry is one act to record. Who acted, from where and when come from the
// context and the transaction.
type Entry struct {
	Act        string         // noun and verb, for example "document.add"
	Object     string         // id of what was acted on, "" where there is none
	ObjectKind string         // noun of the object, for example "document"
	Outcome    string         // OK, Refused or Failed; "" means OK
	Workspace  string         // "" means the actor's workspace
	Detail     map[string]any // ids and numbers, never content
}

// Log is the audit record of the installation. Make it with New.
type Log struct {
	store  store
	chain  chain
	cursor []byte // key of the cursors of GET /api/audit
	now    func() time.Time

	mu sync.Mutex
	// committed is the newest end of the chain that this process knows to be on
	// disk. The table may be ahead of it inside a transaction, never behind: an
	// older head in the table was put there by somebody else.
	committed head
}

func newLog(s store, keys *secret.Keyring, now func() time.Time) *Log {
	return &Log{
		store:  s,
		chain:  chain{rows: keys.Sub("audit"), heads: keys.Sub("audit-head")},
		cursor: keys.Sub("audit-cursor"),
		now:    now,
	}
}

// Refused records an act that was not done, in a transaction of its own. An
// entry without an outcome is recorded as refused.
func (l *Log) Refused(ctx context.Context, e Entry) error {
	if e.Outcome == "" {
		e.Outcome = Refused
	}
	return l.store.alone(ctx, l, e)
}

// known is the end of the chain that this process has seen committed.
func (l *Log) known() head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.committed
}

// remember moves the known end forward, never back: two transactions may report
// their commits in any order.
func (l *Log) remember(h head) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.row > l.committed.row {
		l.committed = h
	}
}

// word is what a detail may say in letters: an id, a version, an address, a
// fixed word. Whatever has a space, an @ or more length could be content.
var word = regexp.MustCompile(`^[A-Za-z0-9._:+/\[\]%-]{0,96}$`)

// withheld stands where an entry tried to record content.
const withheld = "withheld"

// encodeDetail is the stored form of a detail: JSON with sorted names, content
// withheld.
func encodeDetail(detail map[string]any) (string, error) {
	clean := make(map[string]any, len(detail))
	for name, value := range detail {
		clean[name] = plain(value)
	}
	text, err := json.Marshal(clean)
	return string(text), err
}

// plain is the value as it is recorded, whatever its type is called.
func plain(value any) any {
	switch v := value.(type) {
	case nil:
		return nil
	case time.Time:
		return v.UnixMilli()
	case time.Duration:
		return v.Milliseconds()
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.Uint()
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); !math.IsNaN(f) && !math.IsInf(f, 0) { // which have no JSON
			return f
		}
	case reflect.String:
		if word.MatchString(v.String()) {
			return v.String()
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			break // bytes are content
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i).Interface())
		}
		return list
	}
	return withheld
}
