package secret

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"chatets/appliance/fault"
)

// NewSlot is a slot to be added; exactly one source is named.
type NewSlot struct {
	Kind       Kind
	File       string // made where it is not there
	Credential string // "" = CredentialName
	Passphrase string
	TPM        TPM     // Device and PCRs
	Transit    Transit // all but Ciphertext
}

// AddSlot adds a way to the keys. It is proved before it counts: the slot opens
// with what its source gives back.
func (s *Store) AddSlot(ctx context.Context, n NewSlot) (Slot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot, seed, err := s.newSource(ctx, n)
	if err != nil {
		return Slot{}, err
	}
	defer clear(seed)
	for _, other := range s.doc.Slots {
		if _, err := other.unbox(s.doc.Installation, seed); err == nil {
			return Slot{}, fault.New(fault.Conflict, "This %s opens the keys already (slot %d).", slot.Kind.name(), other.ID).Code("slot-there")
		}
	}
	doc := s.doc
	if err := s.install(&doc, &slot, seed); err != nil {
		return Slot{}, err
	}
	if slot.Kind == TPMKind || slot.Kind == TransitKind {
		again, err := s.seedOf(ctx, slot)
		if err != nil {
			return Slot{}, err
		}
		_, err = slot.unbox(doc.Installation, again)
		clear(again)
		if err != nil {
			return Slot{}, fmt.Errorf("the new slot does not open: %w", err)
		}
	}
	return slot, s.write(doc, s.in)
}

// newSource makes or reads what a new slot opens with.
func (s *Store) newSource(ctx context.Context, n NewSlot) (slot Slot, seed []byte, err error) {
	slot = Slot{Kind: n.Kind}
	switch n.Kind {
	case FileKind:
		if slot.File = n.File; !filepath.IsAbs(n.File) {
			return slot, nil, fault.New(fault.Invalid, "The place of the key file is not given from the root on.")
		}
		if within(n.File, s.cfg.Dir) {
			return slot, nil, keyInside(s.cfg.Dir)
		}
		if seed, err = readKey(n.File); errors.Is(err, fs.ErrNotExist) {
			seed, err = makeKey(n.File)
		}
		return slot, seed, err
	case CredentialKind:
		if slot.Credential = n.Credential; n.Credential == "" {
			slot.Credential = CredentialName
		}
		seed, err = s.credentialSeed(slot)
		return slot, seed, err
	case PassphraseKind:
		if err = checkPassphrase(n.Passphrase); err != nil {
			return slot, nil, err
		}
		if slot.Passphrase, err = newPassphrase(); err != nil {
			return slot, nil, err
		}
		return slot, slot.Passphrase.stretch(n.Passphrase), nil
	case TPMKind:
		sealed := n.TPM
		if err = sealed.check(); err != nil {
			return slot, nil, err
		}
		if seed, err = draw(); err == nil {
			err = sealed.seal(seed)
		}
		slot.TPM = &sealed
		return slot, seed, err
	case TransitKind:
		wrapped := n.Transit
		if err = wrapped.check(s.cfg.Dir); err != nil {
			return slot, nil, err
		}
		if seed, err = draw(); err == nil {
			err = wrapped.encrypt(ctx, s.cfg, seed)
		}
		slot.Transit = &wrapped
		return slot, seed, err
	}
	return slot, nil, fault.New(fault.Invalid, "There is no way to the keys called %q.", n.Kind).Cure("It is file, credential, passphrase, tpm or transit.")
}

// RemoveSlot takes a way to the keys away. One that opens without the recovery
// key always stays: a service must be able to start.
func (s *Store) RemoveSlot(id int) (Slot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.doc.Slots, func(slot Slot) bool { return slot.ID == id })
	if at < 0 {
		return Slot{}, fault.New(fault.NotFound, "There is no slot %d.", id).Cure("chatets key status lists them")
	}
	gone := s.doc.Slots[at]
	doc := s.doc
	doc.Slots = slices.Delete(slices.Clone(doc.Slots), at, at+1)
	if !slices.ContainsFunc(doc.Slots, func(slot Slot) bool { return slot.Kind != RecoveryKind && !slot.Leaving }) {
		return Slot{}, fault.New(fault.Conflict, "Slot %d is the last way to the keys; without it nothing could be read any more.", id).Code("slot-last").
			Cure("Add another first: chatets key add")
	}
	return gone, s.write(doc, s.in)
}

// NewRecovery makes a recovery key and revokes the one before it; from now on it
// alone opens what is written. The text is shown once and kept nowhere.
func (s *Store) NewRecovery() (text string, slot Slot, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, seed, err := newRecovery()
	if err != nil {
		return "", Slot{}, err
	}
	defer clear(seed)
	doc := s.doc
	slot = Slot{Kind: RecoveryKind}
	if err := s.install(&doc, &slot, seed); err != nil {
		return "", Slot{}, err
	}
	doc.Slots = slices.DeleteFunc(doc.Slots, func(other Slot) bool { return other.Kind == RecoveryKind && other.ID != slot.ID })
	return text, slot, s.write(doc, s.in)
}

// TestRecovery reports whether a recovery key is the one in force.
func (s *Store) TestRecovery(text string) error {
	s.mu.Lock()
	trial := &Store{cfg: Config{Recovery: text}, doc: s.doc}
	s.mu.Unlock()
	return trial.unlockRecovery()
}

// Rotation is what Rotate did.
type Rotation struct {
	Current  uint32   // number of the new data key
	Renewed  []string // key files that hold a new key now
	Kept     []string // key files that could not be written and still hold the old one
	Previous uint32
}

// Rotate makes a new master key, which wraps all data keys at once, and a new
// data key, which becomes current; key files get a new key where they can be
// written. What was sealed before opens as before.
func (s *Store) Rotate() (Rotation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Rotation{Previous: s.in.Current}
	in := s.in.clone()
	var err error
	if in.Keys, in.Current, err = next(in.Keys, s.now()); err != nil {
		return r, err
	}
	r.Current = in.Current
	for name := range in.Scopes {
		if err := in.renew(name, s.now()); err != nil {
			return r, err
		}
	}
	doc, before := s.doc, s.master
	if s.master, err = draw(); err != nil {
		s.master = before
		return r, err
	}
	doc.Slots = slices.Clone(doc.Slots)
	for i := range doc.Slots {
		if err := doc.Slots[i].fill(doc.Installation, s.master); err != nil {
			s.master = before
			return r, err
		}
	}
	if err := s.write(doc, in); err != nil {
		s.master = before
		return r, err
	}
	clear(before)
	for _, slot := range slices.Clone(s.doc.Slots) {
		if slot.Kind != FileKind || slot.Leaving {
			continue
		}
		if err := s.renewFile(slot); err != nil {
			r.Kept = append(r.Kept, slot.File)
			continue
		}
		r.Renewed = append(r.Renewed, slot.File)
	}
	return r, nil
}

// NewDataKey makes a new data key current, and nothing else new: what lies under
// the old one is to come to its end.
func (s *Store) NewDataKey() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.in.clone()
	var err error
	if in.Keys, in.Current, err = next(in.Keys, s.now()); err != nil {
		return err
	}
	return s.write(s.doc, in)
}

// next adds a new key to a ring and makes it current.
func next(keys []dataKey, now int64) ([]dataKey, uint32, error) {
	key, err := draw()
	if err != nil {
		return nil, 0, err
	}
	keys = slices.Clone(keys)
	var number uint32
	for i := range keys {
		number = max(number, keys[i].Number)
		if keys[i].Retired == 0 {
			keys[i].Retired = now
		}
	}
	return append(keys, dataKey{Number: number + 1, Key: key, Made: now}), number + 1, nil
}

// renewFile puts a new key into a key file, in three steps between which a stop
// leaves a file that opens: both keys in keys.json, the file replaced, the old
// key gone from keys.json. settle ends what a stop left.
func (s *Store) renewFile(was Slot) error {
	key, err := draw()
	if err != nil {
		return err
	}
	defer clear(key)
	info, err := os.Stat(was.File)
	if err != nil {
		return err
	}
	part, err := temporaryFile(was.File, encode(keyPrefix, key))
	if err != nil {
		return unwritableFile(was.File, err)
	}
	undo := func(err error) error { return errors.Join(err, removeIfThere(part)) }
	if err := sameAccess(part, info); err != nil {
		return undo(unwritableFile(was.File, err))
	}
	doc := s.doc
	fresh := Slot{Kind: FileKind, File: was.File}
	if err := s.install(&doc, &fresh, key); err != nil {
		return undo(err)
	}
	for i := range doc.Slots {
		doc.Slots[i].Leaving = doc.Slots[i].Leaving || doc.Slots[i].ID == was.ID
	}
	if err := s.write(doc, s.in); err != nil {
		return undo(err)
	}
	if err := errors.Join(os.Rename(part, was.File), syncDir(filepath.Dir(was.File))); err != nil {
		back, _ := s.doc.settled(was.ID)
		return undo(errors.Join(unwritableFile(was.File, err), s.write(back, s.in)))
	}
	if s.opened == was.ID {
		s.opened = fresh.ID
	}
	done, _ := s.doc.settled(fresh.ID)
	return s.write(done, s.in)
}

// Drop destroys data keys that are not current. Whoever calls it has seen that
// nothing is sealed with them any more. What things are named by stays.
func (s *Store) Drop(numbers ...uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.in.clone()
	in.Keys = slices.DeleteFunc(in.Keys, func(k dataKey) bool { return k.Number != in.Current && slices.Contains(numbers, k.Number) })
	return s.write(s.doc, in)
}
