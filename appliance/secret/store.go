package secret

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
)

// Config says where the keys of a data directory are, and who may be asked.
type Config struct {
	Dir         string           // the data directory
	File        string           // the key file, outside of it
	Credentials string           // folder of systemd credentials, "" = there are none
	Gate        *egress.Gate     // the way to a transit server; nil = there is none
	Now         func() time.Time // nil = time.Now
	// Ask asks a person for the passphrase, the failure of the last answer being
	// told from the second time on; nil = nobody can be asked.
	Ask func(ctx context.Context, failed error) (string, error)
	// Recovery is a recovery key an operator gave; "" = none. It is tried alone.
	Recovery string
	// Known is an open store whose master key is tried first, without asking any
	// source: keys.json that was changed since, or another copy of it.
	Known *Store
}

// CredentialName is the systemd credential that is looked for on a first start.
const CredentialName = "chatets-key"

// Store is the opened key file of a data directory, keys.json. It is safe for
// concurrent use.
type Store struct {
	cfg     Config
	ring    *Keyring
	created bool
	older   bool // only the predecessor of keys.json could be read

	mu     sync.Mutex // one change at a time
	doc    document
	master []byte
	in     inside
	opened int // id of the slot it was opened with
}

// Open opens the keys of a data directory with a key file alone, making both on
// a first start (created tells).
func Open(file, dataDir string) (k *Keyring, created bool, err error) {
	s, err := OpenStore(context.Background(), Config{Dir: dataDir, File: file})
	if err != nil {
		return nil, false, err
	}
	return s.ring, s.created, nil
}

// OpenStore opens keys.json with the first of its slots that opens. New keys are
// made only for a directory that holds no data yet, so that a lost key is never
// silently replaced; a directory of an earlier form is converted.
func OpenStore(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Store{cfg: cfg}
	if within(cfg.File, cfg.Dir) {
		return nil, keyInside(cfg.Dir)
	}
	doc, found, err := s.read()
	switch {
	case err != nil:
		return nil, err
	case found:
		s.doc = doc
		err = s.unlock(ctx)
	default:
		err = s.begin(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := s.settle(); err != nil {
		return nil, err
	}
	if s.ring, err = newKeyring(s.in.Names, s.in.Current, s.in.byNumber()); err != nil {
		return nil, err
	}
	scopes := s.in.Scopes // not the field itself, which the next write replaces
	s.ring.scopes.Store(&scopes)
	s.ring.make = s.makeScope
	return s, nil
}

func keyInside(dir string) error {
	return fault.New(fault.Invalid, "The key file may not lie in the data directory: whoever copies the data would have the key.").Code("key-inside").
		Cure("Name a place outside of %s with --key, and move the key file there if it exists.", dir)
}

func (in inside) byNumber() map[uint32][]byte {
	keys := map[uint32][]byte{}
	for _, k := range in.Keys {
		keys[k.Number] = k.Key
	}
	return keys
}

// Ring is the keys as everybody uses them.
func (s *Store) Ring() *Keyring { return s.ring }

// Created reports whether this start made the keys.
func (s *Store) Created() bool { return s.created }

func (s *Store) path() string { return filepath.Join(s.cfg.Dir, DocumentName) }
func (s *Store) old() string  { return s.path() + ".old" }

// DocumentName is the file of the data directory that the keys lie in, sealed.
const DocumentName = "keys.json"

// read reads keys.json; where a stop left only its predecessor, that one.
func (s *Store) read() (doc document, found bool, err error) {
	text, err := readSome(s.path())
	if errors.Is(err, fs.ErrNotExist) {
		text, err = readSome(s.old())
		s.older = err == nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return document{}, false, nil
	}
	if err != nil {
		return document{}, false, fault.New(fault.Unavailable, "The data directory cannot be read.").Code("data-unreadable").
			Cure("Check that the service's user owns it.").Because(err)
	}
	doc, err = parse(text)
	if fault.Of(err).Code == "key-damaged" {
		// The predecessor stays until its successor was read back.
		if text, oldErr := readSome(s.old()); oldErr == nil {
			if before, oldErr := parse(text); oldErr == nil {
				s.older = true
				return before, true, nil
			}
		}
	}
	return doc, err == nil, err
}

func readSome(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxDocument {
		return nil, fmt.Errorf("%s has %d bytes", file, info.Size())
	}
	return os.ReadFile(file)
}

// begin makes the keys of a directory without keys.json: new ones on a first
// start, the old master key as the first data key in a directory of the earlier form.
func (s *Store) begin(ctx context.Context) error {
	proof, err := readProof(filepath.Join(s.cfg.Dir, proofName), s.cfg.Dir)
	if err != nil {
		return err
	}
	if proof != nil {
		return s.convert(proof)
	}
	in := inside{Current: 1, Scopes: map[string]*scope{}}
	var key []byte
	for _, b := range []*[]byte{&in.Names, &key, &s.master} {
		if *b, err = draw(); err != nil {
			return err
		}
	}
	in.Keys = []dataKey{{Number: 1, Key: key, Made: s.now()}}
	id, err := draw()
	if err != nil {
		return err
	}
	doc := document{Form: documentForm, Installation: hex.EncodeToString(id[:16])}
	slot, seed, err := s.firstSlot(ctx)
	if err != nil {
		return err
	}
	defer clear(seed)
	if err := s.install(&doc, &slot, seed); err != nil {
		return err
	}
	s.opened = slot.ID
	return s.write(doc, in)
}

// firstSlot is the source of a new installation: the credential where systemd
// gives one, otherwise the key file.
func (s *Store) firstSlot(ctx context.Context) (Slot, []byte, error) {
	if s.cfg.Credentials != "" {
		slot := Slot{Kind: CredentialKind, Credential: CredentialName}
		seed, err := s.credentialSeed(slot)
		if err == nil {
			return slot, seed, nil
		}
		if fault.Of(err).Code != "key-missing" {
			return Slot{}, nil, err
		}
	}
	seed, err := readKey(s.cfg.File)
	if errors.Is(err, fs.ErrNotExist) {
		seed, err = makeKey(s.cfg.File)
		s.created = err == nil
	}
	return Slot{Kind: FileKind, File: s.cfg.File}, seed, err
}

// convert makes keys.json for a directory whose key file was its only key. That
// key names things for ever and stays the first data key for what was sealed
// with it; the second is new and current, so that nothing more is sealed with a
// key that lies in a file.
func (s *Store) convert(proof []byte) error {
	old, err := readKey(s.cfg.File)
	if errors.Is(err, fs.ErrNotExist) {
		return missingFile(s.cfg.File).Because(err)
	}
	if err != nil {
		return err
	}
	if !proves(proof, old) {
		return wrongFile(s.cfg.File)
	}
	next, err := draw()
	if err != nil {
		return err
	}
	if s.master, err = draw(); err != nil {
		return err
	}
	now := s.now()
	in := inside{Names: old, Current: 2, Scopes: map[string]*scope{}, Keys: []dataKey{{Number: 1, Key: old, Made: now, Retired: now}, {Number: 2, Key: next, Made: now}}}
	doc := document{Form: documentForm, Installation: hex.EncodeToString(derive(old, "installation")[:16])}
	slot := Slot{Kind: FileKind, File: s.cfg.File}
	if err := s.install(&doc, &slot, old); err != nil {
		return err
	}
	s.opened = slot.ID
	return s.write(doc, in)
}

// install puts a slot into a document, boxed.
func (s *Store) install(doc *document, slot *Slot, seed []byte) error {
	for _, other := range doc.Slots {
		slot.ID = max(slot.ID, other.ID)
	}
	slot.ID++
	slot.Made = s.now()
	private, err := pair(slot.Kind, seed)
	if err != nil {
		return err
	}
	slot.Public = private.PublicKey().Bytes()
	if err := slot.fill(doc.Installation, s.master); err != nil {
		return err
	}
	doc.Slots = append(slices.Clone(doc.Slots), *slot)
	return nil
}

// settle ends what a stop left undone: a half-replaced key file, the proof of
// the earlier form, the predecessor of keys.json.
func (s *Store) settle() error {
	if err := os.Remove(filepath.Join(s.cfg.Dir, proofName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritable(err)
	}
	s.sweep()
	if s.older {
		if err := errors.Join(os.Rename(s.old(), s.path()), syncDir(s.cfg.Dir)); err != nil {
			return unwritable(err)
		}
	}
	if doc, changed := s.doc.settled(s.opened); changed {
		if err := s.write(doc, s.in); err != nil {
			return err
		}
	}
	return s.scrubOld()
}

// sweep removes what a stop left half written beside keys.json and the key files.
func (s *Store) sweep() {
	files := []string{s.path()}
	for _, slot := range s.doc.Slots {
		if slot.Kind == FileKind && slot.ID == s.opened {
			files = append(files, slot.File)
		}
	}
	for _, file := range files {
		entries, err := os.ReadDir(filepath.Dir(file))
		if err != nil {
			continue // a folder that may be entered and not listed
		}
		for _, e := range entries {
			if e.Type().IsRegular() && strings.HasPrefix(e.Name(), "."+filepath.Base(file)+"-") {
				// Where it may not be removed it is in nobody's way.
				_ = os.Remove(filepath.Join(filepath.Dir(file), e.Name()))
			}
		}
	}
}

// settled decides between the two halves of a slot whose file was being
// replaced: the half that opens is the one whose file is there.
func (d document) settled(opened int) (document, bool) {
	old := slices.IndexFunc(d.Slots, func(s Slot) bool { return s.Leaving })
	if old < 0 {
		return d, false
	}
	was, drop := d.Slots[old], 0
	fresh := slices.IndexFunc(d.Slots, func(s Slot) bool { return s.Kind == FileKind && s.File == was.File && !s.Leaving })
	switch {
	case opened == was.ID && fresh >= 0:
		drop = d.Slots[fresh].ID // its file was never written
	case opened == was.ID:
	case fresh >= 0 && opened == d.Slots[fresh].ID:
		drop = was.ID
	default:
		return d, false // opened by another way: nobody knows which file is there
	}
	d.Slots = slices.DeleteFunc(slices.Clone(d.Slots), func(s Slot) bool { return s.ID == drop })
	for i := range d.Slots {
		d.Slots[i].Leaving = false
	}
	return d, true
}

// write puts a changed document and its keys into the place of the old ones:
//  1. the new text into a temporary file, synced;
//  2. the old file gets a second name, keys.json.old;
//  3. rename, and the folder synced;
//  4. the new file is read back and opened;
//  5. the old one is overwritten and removed.
//
// A stop after any step leaves a keys.json that opens.
func (s *Store) write(doc document, in inside) error {
	doc.Serial, doc.Written = doc.Serial+1, s.now()
	doc, text, err := doc.seal(s.master, in)
	if err != nil {
		return fmt.Errorf("seal keys.json: %w", err)
	}
	part, err := temporaryFile(s.path(), text)
	if err != nil {
		return unwritable(err)
	}
	if err := errors.Join(removeIfThere(s.old()), linkIfThere(s.path(), s.old()), os.Rename(part, s.path()), syncDir(s.cfg.Dir)); err != nil {
		return unwritable(errors.Join(err, removeIfThere(part)))
	}
	back, err := readSome(s.path())
	if err == nil {
		var again document
		if again, err = parse(back); err == nil {
			_, err = again.open(s.master)
		}
	}
	if err != nil {
		return unwritable(errors.Join(fmt.Errorf("keys.json cannot be read back: %w", err), os.Rename(s.old(), s.path()), syncDir(s.cfg.Dir)))
	}
	s.doc, s.in = doc, in
	if s.ring != nil {
		if err := s.ring.turn(in.Current, in.byNumber()); err != nil {
			return err
		}
		s.ring.scopes.Store(&in.Scopes)
	}
	return s.scrubOld()
}

// scrubOld overwrites and removes the predecessor. Whether its bytes are gone
// from the disk then is up to the disk; the keys it held matter only to whoever
// can open one of its slots.
func (s *Store) scrubOld() error {
	file, err := os.OpenFile(s.old(), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unwritable(err)
	}
	info, err := file.Stat()
	if err == nil {
		if current, statErr := os.Stat(s.path()); statErr == nil && os.SameFile(info, current) {
			// A stop came before the rename: the two names are one file.
			return errors.Join(file.Close(), os.Remove(s.old()))
		}
		noise := make([]byte, info.Size())
		_, err = rand.Read(noise)
		if err == nil {
			_, err = file.WriteAt(noise, 0)
		}
	}
	if err = errors.Join(err, file.Sync(), file.Close(), os.Remove(s.old()), syncDir(s.cfg.Dir)); err != nil {
		return unwritable(err)
	}
	return nil
}

func (s *Store) now() int64 { return s.cfg.Now().UnixMilli() }

func draw() ([]byte, error) {
	key := make([]byte, Size)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	return key, nil
}
