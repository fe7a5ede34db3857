package secret

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"chatets/appliance/fault"
)

// Status is what can be told of the keys to anybody: no secret is in it.
type Status struct {
	Installation string
	Serial       uint64
	Written      time.Time
	Opened       int // slot this process opened the keys with
	Slots        []SlotStatus
	Current      uint32
	Keys         []KeyStatus
}

// SlotStatus is one way to the keys.
type SlotStatus struct {
	ID    int
	Kind  Kind
	Made  time.Time
	Where string // for people: a path, a name, an address
}

// KeyStatus is one data key.
type KeyStatus struct {
	Number        uint32
	Made, Retired time.Time // Retired is zero for the current one
}

// Status reports the slots and the numbers of the data keys.
func (s *Store) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{Installation: s.doc.Installation, Serial: s.doc.Serial, Written: moment(s.doc.Written), Opened: s.opened, Current: s.in.Current}
	for _, slot := range s.doc.Slots {
		if !slot.Leaving {
			st.Slots = append(st.Slots, slot.Status())
		}
	}
	for _, k := range s.in.Keys {
		st.Keys = append(st.Keys, KeyStatus{Number: k.Number, Made: moment(k.Made), Retired: moment(k.Retired)})
	}
	return st
}

// Status is the slot for people.
func (s Slot) Status() SlotStatus {
	st := SlotStatus{ID: s.ID, Kind: s.Kind, Made: moment(s.Made)}
	switch s.Kind {
	case FileKind:
		st.Where = s.File
	case CredentialKind:
		st.Where = s.Credential
	case PassphraseKind:
		st.Where = fmt.Sprintf("argon2id, %d MiB, %d passes", s.Passphrase.Memory>>10, s.Passphrase.Time)
	case TPMKind:
		st.Where = s.TPM.Device
		if len(s.TPM.PCRs) > 0 {
			st.Where += ", registers " + strings.Trim(strings.ReplaceAll(fmt.Sprint(s.TPM.PCRs), " ", ","), "[]")
		}
	case TransitKind:
		st.Where = s.Transit.URL + ", key " + s.Transit.Mount + "/" + s.Transit.Key
	}
	return st
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Needs reports whether a start needs a person: the only ways to the keys are
// passphrases. It needs no key, and false where there is no keys.json to read.
func Needs(dir string) bool {
	s := &Store{cfg: Config{Dir: dir}}
	doc, found, err := s.read()
	if err != nil || !found {
		return false
	}
	asks := func(slot Slot) bool { return slot.Kind == PassphraseKind }
	return slices.ContainsFunc(doc.Slots, asks) &&
		!slices.ContainsFunc(doc.Slots, func(slot Slot) bool { return !asks(slot) && slot.Kind != RecoveryKind })
}

// Has reports whether a directory holds keys, of this form or the earlier one.
func Has(dir string) bool {
	for _, name := range []string{DocumentName, DocumentName + ".old", proofName} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// MakeFile makes a key file that the group may read, for an operator who is root
// where the service is not; gid -1 leaves the group. A file that is there stays.
func MakeFile(file string, gid int) (made bool, err error) {
	if _, err := os.Lstat(file); err == nil {
		return false, nil
	}
	key, err := makeKey(file)
	clear(key)
	if err != nil {
		return false, err
	}
	if gid < 0 {
		return true, nil
	}
	if err := os.Chown(file, -1, gid); err != nil {
		return true, unwritableFile(file, err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		return true, unwritableFile(file, err)
	}
	return true, nil
}

// sameAccess gives a new file the owner, group and mode of the one it replaces.
func sameAccess(file string, like os.FileInfo) error {
	if owner, ok := like.Sys().(*syscall.Stat_t); ok {
		if info, err := os.Stat(file); err == nil {
			if mine, ok := info.Sys().(*syscall.Stat_t); ok && mine.Uid == owner.Uid && mine.Gid == owner.Gid {
				return os.Chmod(file, like.Mode().Perm())
			}
		}
		if err := os.Chown(file, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	return os.Chmod(file, like.Mode().Perm())
}

// Locked reports whether an error says that the keys could not be opened.
func Locked(err error) bool {
	code := fault.Of(err).Code
	return strings.HasPrefix(code, "key-") || strings.HasPrefix(code, "tpm-") || strings.HasPrefix(code, "transit-")
}

// SlotsOf are the ways a keys.json opens, for people; none where it is no keys.json.
func SlotsOf(text []byte) []SlotStatus {
	doc, err := parse(text)
	if err != nil {
		return nil
	}
	var all []SlotStatus
	for _, s := range doc.Slots {
		if !s.Leaving {
			all = append(all, s.Status())
		}
	}
	return all
}

// InstallationOf is the id that keys.json of a directory says, "" where there is
// none to read. It needs no key.
func InstallationOf(dir string) string {
	s := &Store{cfg: Config{Dir: dir}}
	doc, found, err := s.read()
	if err != nil || !found {
		return ""
	}
	return doc.Installation
}
