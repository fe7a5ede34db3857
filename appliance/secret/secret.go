// Package secret holds the keys of a data directory and what is made with them:
// sub-keys by purpose, sealed values, sealed streams, keys of database pages.
//
// What a newcomer gets wrong: there is not one key. Names (of blobs, of the audit
// chain) come from a key that never changes; what is sealed says the number of
// its data key, and a rotation makes a new one. Ask for a purpose ("audit",
// "blob"), and seal with additional data that names the place a value belongs to,
// so that it cannot be moved to another.
package secret

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/xaesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Size is the length of every key, in bytes.
const Size = 32

const (
	// segment is the unit a sealed stream is written and checked in, in bytes.
	segment = 64 << 10
	// The first byte of everything sealed is its form; another way to seal gets
	// another number, and what lies on disks stays readable. The first form is of
	// data key 1; the second says in four bytes the number of its data key.
	formFirst    = 1
	formNumbered = 2
	formScoped   = 3 // as the second, and the number is of a key of the blob's scope
)

// ErrSealed is returned for sealed data that was changed, cut, moved or sealed
// with a key that is not there.
var ErrSealed = errors.New("sealed data cannot be opened")

// Keyring holds the opened keys of a data directory. It is safe for concurrent use.
type Keyring struct {
	names []byte // what things are named by; never changes
	ring  atomic.Pointer[ring]
	aeads sync.Map // numbered -> tink.AEAD; purposes are few and fixed

	scopes atomic.Pointer[map[string]*scope]
	make   func(scope string) error // makes the key of a new scope; nil = they are derived
	holds  holds
}

// ring is the data keys at one moment; it is replaced, never changed.
type ring struct {
	current uint32
	keys    map[uint32][]byte
	pages   map[uint32][]byte // of each, derived once: they are asked for with every page
}

// numbered is a purpose under one data key.
type numbered struct {
	number  uint32
	purpose string
}

// New returns a keyring whose only data key, number 1, is key, of Size bytes;
// things are named by it too.
func New(key []byte) (*Keyring, error) {
	return newKeyring(key, 1, map[uint32][]byte{1: key})
}

func newKeyring(names []byte, current uint32, keys map[uint32][]byte) (*Keyring, error) {
	k := &Keyring{names: bytes.Clone(names)}
	if len(names) != Size {
		return nil, fmt.Errorf("a key has %d bytes, not %d", Size, len(names))
	}
	return k, k.turn(current, keys)
}

// turn puts other data keys in place.
func (k *Keyring) turn(current uint32, keys map[uint32][]byte) error {
	next := &ring{current: current, keys: make(map[uint32][]byte, len(keys)), pages: make(map[uint32][]byte, len(keys))}
	for number, key := range keys {
		if len(key) != Size {
			return fmt.Errorf("data key %d has %d bytes, not %d", number, len(key), Size)
		}
		next.keys[number], next.pages[number] = bytes.Clone(key), derive(key, pagePurpose)
	}
	if next.keys[current] == nil {
		return fmt.Errorf("the current data key %d is missing", current)
	}
	k.ring.Store(next)
	k.aeads.Range(func(of, _ any) bool {
		if at, ok := of.(numbered); ok && next.keys[at.number] == nil {
			k.aeads.Delete(of)
		}
		return true
	})
	return nil
}

// PageKeys are the keys of database pages by number; Current is the one that new
// pages are sealed with. A rotation changes the answers while they are used: ask
// for each page, it costs a look into a map. Nobody writes into a key.
type PageKeys interface {
	Current() (number uint32, key []byte)
	Key(number uint32) ([]byte, bool)
}

// Pages are the keys of database pages: one of each data key, with its number.
func (k *Keyring) Pages() PageKeys { return pages{k} }

type pages struct{ of *Keyring }

// Current implements PageKeys.
func (p pages) Current() (uint32, []byte) {
	r := p.of.ring.Load()
	return r.current, r.pages[r.current]
}

// Key implements PageKeys.
func (p pages) Key(number uint32) ([]byte, bool) {
	key, found := p.of.ring.Load().pages[number]
	return key, found
}

const pagePurpose = "page"

// Current is the number of the data key that is sealed with now.
func (k *Keyring) Current() uint32 { return k.ring.Load().current }

// NumberOf is the number of the data key a value or stream was sealed with, read
// from its first bytes; 0 where they are no beginning of one, or were sealed for
// a scope.
func NumberOf(sealed []byte) uint32 {
	switch {
	case len(sealed) >= 1 && sealed[0] == formFirst:
		return 1
	case len(sealed) >= HeadSize && sealed[0] == formNumbered:
		return binary.BigEndian.Uint32(sealed[1:])
	}
	return 0
}

// HeadSize is how many first bytes of something sealed NumberOf wants.
const HeadSize = 5

// Sub is the key that things of a purpose are named by: Size bytes by
// HKDF-SHA-256, always the same. Nothing is sealed with it: a rotation does not
// change it.
func (k *Keyring) Sub(purpose string) []byte { return derive(k.names, purpose) }

func derive(key []byte, purpose string) []byte {
	sub, err := hkdf.Key(sha256.New, key, nil, "chatets/v1/"+purpose, Size)
	if err != nil {
		// Only a length over 255 hashes fails, and Size is fixed.
		panic(err)
	}
	return sub
}

// Seal encrypts a small value with XAES-256-GCM under the purpose's current key.
// The same aad is needed to open it.
func (k *Keyring) Seal(purpose string, plain, aad []byte) ([]byte, error) {
	r := k.ring.Load()
	a, err := k.aead(r, r.current, purpose)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	sealed, err := a.Encrypt(plain, aad)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return append(head(r.current), sealed...), nil
}

func head(number uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{formNumbered}, number)
}

// Open decrypts what Seal made; anything else is ErrSealed.
func (k *Keyring) Open(purpose string, sealed, aad []byte) ([]byte, error) {
	number := NumberOf(sealed)
	r := k.ring.Load()
	if r.keys[number] == nil {
		return nil, ErrSealed
	}
	a, err := k.aead(r, number, purpose)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	body := sealed[1:]
	if sealed[0] == formNumbered {
		body = sealed[HeadSize:]
	}
	plain, err := a.Decrypt(body, aad)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func (k *Keyring) aead(r *ring, number uint32, purpose string) (tink.AEAD, error) {
	at := numbered{number, purpose}
	if a, found := k.aeads.Load(at); found {
		return a.(tink.AEAD), nil
	}
	a, err := newAEAD(derive(r.keys[number], purpose))
	if err != nil {
		return nil, err
	}
	k.aeads.Store(at, a)
	return a, nil
}

// newAEAD is XAES-256-GCM with a key of Size bytes.
func newAEAD(sub []byte) (tink.AEAD, error) {
	parameters, err := xaesgcm.NewParameters(xaesgcm.VariantNoPrefix, 12)
	if err != nil {
		return nil, err
	}
	key, err := xaesgcm.NewKey(secretdata.NewBytesFromData(sub, insecuresecretdataaccess.Token{}), 0, parameters)
	if err != nil {
		return nil, err
	}
	manager := keyset.NewManager()
	id, err := manager.AddKey(key)
	if err != nil {
		return nil, err
	}
	if err := manager.SetPrimary(id); err != nil {
		return nil, err
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, err
	}
	return aead.New(handle)
}
