package secret

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"chatets/appliance/fault"
)

// holds counts what is being sealed under the keys of scopes, so that no key is
// destroyed while something under it is on its way to the disk.
type holds struct {
	mu    sync.Mutex
	count map[held]int
}

type held struct {
	scope  string
	number uint32
}

func (h *holds) take(at held) (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count == nil {
		h.count = map[held]int{}
	}
	h.count[at]++
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.count[at]--; h.count[at] == 0 {
			delete(h.count, at)
		}
	})
}

func (h *holds) any(at held) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count[at] > 0
}

// current is the key a scope is sealed with now; a new scope gets its first.
func (k *Keyring) current(name string) (number uint32, key []byte, release func(), err error) {
	for {
		s := k.scope(name)
		if s == nil && k.make == nil {
			// A keyring without a file has no place to keep keys in.
			return 1, derive(k.names, "scope/"+name), func() {}, nil
		}
		if s == nil {
			if err := k.make(name); err != nil {
				return 0, nil, nil, err
			}
			continue
		}
		release = k.holds.take(held{name, s.Current})
		// A key that was exchanged between the look and the hold may be gone already.
		if again := k.scope(name); again != nil && again.Current == s.Current {
			return s.Current, s.key(s.Current), release, nil
		}
		release()
	}
}

func (k *Keyring) scope(name string) *scope {
	if all := k.scopes.Load(); all != nil {
		return (*all)[name]
	}
	return nil
}

// SealFor is SealStream with a key that belongs to the scope alone, such as a
// workspace: once it is destroyed, nothing of the scope can be read. release is
// called when what was sealed lies where it is found again, or was given up.
func (k *Keyring) SealFor(scope string, w io.Writer, aad []byte) (sealed io.WriteCloser, release func(), err error) {
	number, key, release, err := k.current(scope)
	if err != nil {
		return nil, nil, err
	}
	s, err := stream(key)
	if err == nil {
		_, err = w.Write(binary.BigEndian.AppendUint32([]byte{formScoped}, number))
	}
	if err == nil {
		sealed, err = s.NewEncryptingWriter(w, aad)
	}
	if err != nil {
		release()
		return nil, nil, fmt.Errorf("seal a stream: %w", err)
	}
	return sealed, release, nil
}

// OpenFor decrypts what SealFor made, as OpenStream does, and what SealStream
// made for the purpose before scopes had keys of their own.
func (k *Keyring) OpenFor(scope, purpose string, r io.Reader, aad []byte) (io.Reader, error) {
	return k.open(r, aad, purpose, func(head []byte) []byte {
		number := ScopedNumberOf(head)
		switch s := k.scope(scope); {
		case number == 0:
			return nil
		case s != nil:
			return s.key(number)
		case k.make == nil && number == 1:
			return derive(k.names, "scope/"+scope)
		}
		return nil
	})
}

// ScopedNumberOf is the number of the scope's key that a stream was sealed with,
// read from its first HeadSize bytes; 0 where it was sealed with none.
func ScopedNumberOf(head []byte) uint32 {
	if len(head) < HeadSize || head[0] != formScoped {
		return 0
	}
	return binary.BigEndian.Uint32(head[1:])
}

// CurrentFor is the number of the key a scope is sealed with now; 0 where it has
// none yet.
func (k *Keyring) CurrentFor(scope string) uint32 {
	if s := k.scope(scope); s != nil {
		return s.Current
	}
	if k.make == nil {
		return 1
	}
	return 0
}

// makeScope gives a new scope its first key.
func (s *Store) makeScope(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in.Scopes[name] != nil {
		return nil
	}
	key, err := draw()
	if err != nil {
		return err
	}
	in := s.in.clone()
	in.Scopes[name] = &scope{Current: 1, Keys: []dataKey{{Number: 1, Key: key, Made: s.now()}}}
	return s.write(s.doc, in)
}

// RenewScopes gives scopes a new key each, which becomes current; the old ones
// stay until DropScopeKeys. Scopes that have none yet are left out.
func (s *Store) RenewScopes(names ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.in.clone()
	for _, name := range names {
		if err := in.renew(name, s.now()); err != nil {
			return err
		}
	}
	return s.write(s.doc, in)
}

// renew makes a new key current in a scope of a copy.
func (in inside) renew(name string, now int64) error {
	was := in.Scopes[name]
	if was == nil {
		return nil
	}
	keys, number, err := next(was.Keys, now)
	in.Scopes[name] = &scope{Current: number, Keys: keys}
	return err
}

// DropScopeKeys destroys the keys of a scope that are not current and that due,
// asked with when each was retired, does not keep; left says that one was kept. It
// is refused while something is still being sealed with one of them.
func (s *Store) DropScopeKeys(name string, due func(retired time.Time) bool) (left bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.in.Scopes[name]
	if was == nil || len(was.Keys) < 2 {
		return false, nil
	}
	kept := &scope{Current: was.Current}
	for _, k := range was.Keys {
		switch {
		case k.Number == was.Current:
		case s.ring.holds.any(held{name, k.Number}):
			return true, fault.New(fault.Conflict, "A file is still being written with the old key.").Code("key-held")
		case due(moment(k.Retired)):
			continue
		default:
			left = true
		}
		kept.Keys = append(kept.Keys, k)
	}
	if len(kept.Keys) == len(was.Keys) {
		return left, nil
	}
	in := s.in.clone()
	in.Scopes[name] = kept
	return left, s.write(s.doc, in)
}

// Held reports whether something is still being sealed with a key of a scope that
// is not current. Nothing new begins with one, so once this is false it stays so,
// and what is counted then is all there is.
func (s *Store) Held(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.in.Scopes[name]
	return was != nil && slices.ContainsFunc(was.Keys, func(k dataKey) bool {
		return k.Number != was.Current && s.ring.holds.any(held{name, k.Number})
	})
}

// DestroyScopes destroys all keys of scopes: what was sealed for them cannot be
// read any more, wherever a copy of it lies.
func (s *Store) DestroyScopes(names ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.in.clone()
	for _, name := range names {
		delete(in.Scopes, name)
	}
	return s.write(s.doc, in)
}

// OldScopes are the scopes that still have keys which are not current.
func (s *Store) OldScopes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name, of := range s.in.Scopes {
		if len(of.Keys) > 1 {
			names = append(names, name)
		}
	}
	return names
}
