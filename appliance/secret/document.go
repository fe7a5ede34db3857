package secret

import (
	"bytes"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"chatets/appliance/fault"
)

// documentForm is the first word of keys.json; another way to write it gets
// another number.
const documentForm = "chatets-keys-1"

// maxDocument is how many bytes of a file can still be a keys.json.
const maxDocument = 16 << 20

// document is keys.json. What stands open in it is needed before anything is
// unlocked, and is held fast by the seal: aad of Sealed is all the rest.
type document struct {
	Form         string `json:"form"`
	Installation string `json:"installation"` // made once, 32 hexadecimal digits
	Serial       uint64 `json:"serial"`       // one more with every writing
	Written      int64  `json:"written"`      // milliseconds UTC
	Slots        []Slot `json:"slots"`
	Sealed       []byte `json:"sealed"` // inside, under the master key
	Sum          []byte `json:"sum"`    // SHA-256 of all above: tells damage from a wrong key
}

// Slot is one way to the master key, as keys.json holds it. No secret is in it:
// the master key is boxed to a public key whose private half comes from what the
// slot's source keeps, so that a new master key can be put into every slot
// without asking any source.
type Slot struct {
	ID     int    `json:"id"`
	Kind   Kind   `json:"kind"`
	Made   int64  `json:"made"` // milliseconds UTC
	Public []byte `json:"public"`
	Box    []byte `json:"box"`
	// Leaving marks the old half of a slot whose file is just being replaced.
	Leaving    bool        `json:"leaving,omitempty"`
	File       string      `json:"file,omitempty"`       // path of the key file
	Credential string      `json:"credential,omitempty"` // name of the systemd credential
	Passphrase *Passphrase `json:"passphrase,omitempty"`
	TPM        *TPM        `json:"tpm,omitempty"`
	Transit    *Transit    `json:"transit,omitempty"`
}

// Kind is where a slot's secret comes from.
type Kind string

// The kinds of slots.
const (
	FileKind       Kind = "file"       // a file outside of the data directory
	CredentialKind Kind = "credential" // a systemd credential
	PassphraseKind Kind = "passphrase" // what a person knows
	TPMKind        Kind = "tpm"        // sealed by this machine's TPM 2.0
	TransitKind    Kind = "transit"    // a key of Vault or OpenBao
	RecoveryKind   Kind = "recovery"   // the recovery key
)

// inside is what keys.json seals.
type inside struct {
	Names   []byte            `json:"names"` // what things are named by; never changes
	Current uint32            `json:"current"`
	Keys    []dataKey         `json:"keys"`
	Scopes  map[string]*scope `json:"scopes,omitempty"` // keys of blobs, by workspace
}

// dataKey is a numbered key.
type dataKey struct {
	Number  uint32 `json:"number"`
	Key     []byte `json:"key"`
	Made    int64  `json:"made"`              // milliseconds UTC
	Retired int64  `json:"retired,omitempty"` // when another became current; 0 = it is current
}

// scope is the keys of the blobs of one workspace.
type scope struct {
	Current uint32    `json:"current"`
	Keys    []dataKey `json:"keys"`
}

func (s *scope) clone() *scope { return &scope{Current: s.Current, Keys: slices.Clone(s.Keys)} }

func (s *scope) key(number uint32) []byte { return find(s.Keys, number) }

func find(keys []dataKey, number uint32) []byte {
	for _, k := range keys {
		if k.Number == number {
			return k.Key
		}
	}
	return nil
}

// clone is deep enough for a change that may be given up.
func (in inside) clone() inside {
	c := inside{Names: in.Names, Current: in.Current, Keys: slices.Clone(in.Keys), Scopes: make(map[string]*scope, len(in.Scopes))}
	for name, s := range in.Scopes {
		c.Scopes[name] = s.clone()
	}
	return c
}

// valid reports whether the keys are whole.
func (in inside) valid() bool {
	whole := func(current uint32, keys []dataKey) bool {
		seen := map[uint32]bool{}
		for _, k := range keys {
			if k.Number == 0 || len(k.Key) != Size || seen[k.Number] {
				return false
			}
			seen[k.Number] = true
		}
		return seen[current]
	}
	for _, s := range in.Scopes {
		if s == nil || !whole(s.Current, s.Keys) {
			return false
		}
	}
	return len(in.Names) == Size && whole(in.Current, in.Keys)
}

// damagedDocument is what a keys.json that cannot be read is answered with.
func damagedDocument(why error) error {
	return fault.New(fault.Conflict, "The key file of the data directory (keys.json) is damaged.").Code("key-damaged").
		Cure("Restore keys.json in the data directory from its backup; it is useless to others without a key.").Because(why)
}

// parse reads keys.json and sees that it is whole. It needs no key.
func parse(text []byte) (document, error) {
	var d document
	if len(text) > maxDocument {
		return d, damagedDocument(fmt.Errorf("it has %d bytes", len(text)))
	}
	var form struct {
		Form string `json:"form"`
	}
	if err := json.Unmarshal(text, &form); err != nil {
		return d, damagedDocument(err)
	}
	if form.Form != documentForm {
		if bytes.HasPrefix([]byte(form.Form), []byte("chatets-keys-")) {
			return d, fault.New(fault.Conflict, "The key file of the data directory (keys.json) was written by a newer ChatETS.").Code("key-newer").
				Cure("Start the version that wrote it, or a later one.")
		}
		return d, damagedDocument(fmt.Errorf("its form is %.40q", form.Form))
	}
	read := json.NewDecoder(bytes.NewReader(text))
	read.DisallowUnknownFields()
	if err := read.Decode(&d); err != nil {
		return document{}, damagedDocument(err)
	}
	sum, err := d.sum()
	if err != nil || !bytes.Equal(sum, d.Sum) {
		return document{}, damagedDocument(fmt.Errorf("its checksum is another: %w", err))
	}
	if len(d.Installation) != 32 || len(d.Slots) == 0 {
		return document{}, damagedDocument(fmt.Errorf("it has %d slots", len(d.Slots)))
	}
	seen := map[int]bool{}
	for _, s := range d.Slots {
		if s.ID < 1 || seen[s.ID] || !s.whole() {
			return document{}, damagedDocument(fmt.Errorf("slot %d is not whole", s.ID))
		}
		seen[s.ID] = true
	}
	return d, nil
}

// whole reports whether a slot has what its kind needs, within limits that a
// start can afford.
func (s Slot) whole() bool {
	switch s.Kind {
	case FileKind, RecoveryKind:
		return true
	case CredentialKind:
		return s.Credential != ""
	case PassphraseKind:
		return s.Passphrase != nil && s.Passphrase.valid()
	case TPMKind:
		return s.TPM != nil
	case TransitKind:
		return s.Transit != nil
	}
	return false
}

func (d document) sum() ([]byte, error) {
	d.Sum = nil
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}

// aad is everything of the document that is not sealed.
func (d document) aad() ([]byte, error) {
	d.Sum, d.Sealed = nil, nil
	return json.Marshal(d)
}

const documentPurpose = "keys.json"

// seal puts keys and slots together under a master key, as text.
func (d document) seal(master []byte, in inside) (document, []byte, error) {
	plain, err := json.Marshal(in)
	if err != nil {
		return d, nil, err
	}
	defer clear(plain)
	aad, err := d.aad()
	if err != nil {
		return d, nil, err
	}
	a, err := newAEAD(derive(master, documentPurpose))
	if err != nil {
		return d, nil, err
	}
	if d.Sealed, err = a.Encrypt(plain, aad); err != nil {
		return d, nil, err
	}
	if d.Sum, err = d.sum(); err != nil {
		return d, nil, err
	}
	text, err := json.MarshalIndent(d, "", " ")
	return d, append(text, '\n'), err
}

// open gives the keys that are sealed in the document.
func (d document) open(master []byte) (inside, error) {
	var in inside
	aad, err := d.aad()
	if err != nil {
		return in, err
	}
	a, err := newAEAD(derive(master, documentPurpose))
	if err != nil {
		return in, err
	}
	plain, err := a.Decrypt(d.Sealed, aad)
	if err != nil {
		return in, damagedDocument(fmt.Errorf("what stands in it is not what was sealed: %w", ErrSealed))
	}
	defer clear(plain)
	if err := json.Unmarshal(plain, &in); err != nil || !in.valid() {
		return inside{}, damagedDocument(fmt.Errorf("its keys are not whole: %w", err))
	}
	if in.Scopes == nil {
		in.Scopes = map[string]*scope{}
	}
	return in, nil
}

// suite is how a master key is boxed into a slot: HPKE (RFC 9180) with ML-KEM-768
// and X25519 together, HKDF-SHA-256 and AES-256-GCM.
func suite() (hpke.KEM, hpke.KDF, hpke.AEAD) {
	return hpke.MLKEM768X25519(), hpke.HKDFSHA256(), hpke.AES256GCM()
}

// pair is the key pair of a slot, from what its source keeps.
func pair(kind Kind, seed []byte) (hpke.PrivateKey, error) {
	kem, _, _ := suite()
	material := derive(seed, "slot/"+string(kind))
	defer clear(material)
	return kem.DeriveKeyPair(material)
}

// info binds a box to its slot.
func (s Slot) info(installation string) []byte {
	return fmt.Appendf(nil, "chatets/slot/1/%s/%d/%s", installation, s.ID, s.Kind)
}

// fill boxes a master key into the slot.
func (s *Slot) fill(installation string, master []byte) error {
	kem, kdf, aead := suite()
	public, err := kem.NewPublicKey(s.Public)
	if err != nil {
		return fmt.Errorf("public key of slot %d: %w", s.ID, err)
	}
	s.Box, err = hpke.Seal(public, kdf, aead, s.info(installation), master)
	return err
}

// unbox gives the master key; ErrSealed where the seed is of another slot.
func (s Slot) unbox(installation string, seed []byte) ([]byte, error) {
	private, err := pair(s.Kind, seed)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(private.PublicKey().Bytes(), s.Public) {
		return nil, ErrSealed
	}
	_, kdf, aead := suite()
	master, err := hpke.Open(private, kdf, aead, s.info(installation), s.Box)
	if err != nil || len(master) != Size {
		return nil, ErrSealed
	}
	return master, nil
}
