package secret

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"chatets/appliance/fault"
)

// askedAtMost is how often a person may give a wrong passphrase at one start.
const askedAtMost = 3

// recoveryWay is the way back that is always named.
const recoveryWay = "or open it with the recovery key: chatets key add file --recovery-key-stdin"

// attempt is a slot that did not open.
type attempt struct {
	slot Slot
	err  error
}

// unlock finds a slot that opens: first what needs nobody, then a person. A
// recovery key that was given is the operator's word and is tried alone.
func (s *Store) unlock(ctx context.Context) error {
	if s.enterKnown() {
		return nil
	}
	if s.cfg.Recovery != "" {
		return s.unlockRecovery()
	}
	var failed []attempt
	for _, kind := range []Kind{CredentialKind, FileKind, TPMKind, TransitKind, PassphraseKind} {
		for _, slot := range s.doc.Slots {
			if slot.Kind != kind {
				continue
			}
			err := s.try(ctx, slot)
			switch {
			case err == nil:
				return nil
			case ctx.Err() != nil:
				return ctx.Err()
			case fault.Of(err).Code == "key-damaged" && errors.Is(err, ErrSealed):
				return err // the slot opened, and what lies behind it is damaged
			}
			failed = append(failed, attempt{slot, err})
		}
	}
	return s.closed(failed)
}

// enterKnown opens the document with the master key of a store that is open.
func (s *Store) enterKnown() bool {
	if s.cfg.Known == nil {
		return false
	}
	s.cfg.Known.mu.Lock()
	master, opened := slices.Clone(s.cfg.Known.master), s.cfg.Known.opened
	s.cfg.Known.mu.Unlock()
	in, err := s.doc.open(master)
	if err != nil {
		clear(master)
		return false
	}
	s.master, s.in, s.opened = master, in, opened
	return true
}

// closed is the error of a start without any key.
func (s *Store) closed(failed []attempt) error {
	failed = slices.DeleteFunc(failed, func(a attempt) bool { return a.slot.Leaving })
	way := recoveryWay
	if !slices.ContainsFunc(s.doc.Slots, func(s Slot) bool { return s.Kind == RecoveryKind }) {
		way = "or restore a backup whose recovery key you have; this directory has no recovery key"
	}
	switch len(failed) {
	case 0:
		return fault.New(fault.Conflict, "The keys of the data directory open with the recovery key alone.").Code("key-closed").
			Cure("Make a key file with it: chatets key add file --recovery-key-stdin")
	case 1:
		r := fault.Of(failed[0].err)
		return fault.New(r.Kind, "%s", r.Sentence).Code(r.Code).Cure("%s; %s", strings.TrimSuffix(r.Cure, "."), way).Because(failed[0].err)
	}
	whys, cures, causes := []string{}, []string{}, []error{}
	for _, a := range failed {
		r := fault.Of(a.err)
		whys = append(whys, fmt.Sprintf("%s (slot %d): %s", a.slot.Kind, a.slot.ID, strings.TrimSuffix(r.Sentence, ".")))
		cures = append(cures, strings.TrimSuffix(r.Cure, "."))
		causes = append(causes, a.err)
	}
	return fault.New(fault.Conflict, "None of the %d ways to the keys of the data directory opens. %s.", len(failed), strings.Join(whys, "; ")).Code("key-closed").
		Cure("One of them is enough. %s; %s", strings.Join(cures, "; or: "), way).Because(errors.Join(causes...))
}

// try opens one slot.
func (s *Store) try(ctx context.Context, slot Slot) error {
	switch slot.Kind {
	case FileKind:
		return s.tryFile(slot)
	case PassphraseKind:
		return s.tryPassphrase(ctx, slot)
	}
	seed, err := s.seedOf(ctx, slot)
	if err != nil {
		return err
	}
	defer clear(seed)
	return s.enter(slot, seed)
}

// seedOf asks the source of a slot that is neither file nor person.
func (s *Store) seedOf(ctx context.Context, slot Slot) ([]byte, error) {
	switch slot.Kind {
	case CredentialKind:
		return s.credentialSeed(slot)
	case TPMKind:
		return slot.TPM.unseal()
	case TransitKind:
		return slot.Transit.decrypt(ctx, s.cfg)
	}
	return nil, fmt.Errorf("a slot of kind %s has no source to ask", slot.Kind)
}

// enter opens the document with what a slot's source gave.
func (s *Store) enter(slot Slot, seed []byte) error {
	master, err := slot.unbox(s.doc.Installation, seed)
	if err != nil {
		return fault.New(fault.Conflict, "The %s is not the key of this data directory.", slot.Kind.name()).Code("key-wrong").
			Cure("See that keys.json belongs to this installation and that the %s is the one of slot %d.", slot.Kind.name(), slot.ID).Because(err)
	}
	in, err := s.doc.open(master)
	if err != nil {
		return err
	}
	s.master, s.in, s.opened = master, in, slot.ID
	return nil
}

// name is what a kind is called in a sentence.
func (k Kind) name() string {
	switch k {
	case FileKind:
		return "key file"
	case CredentialKind:
		return "systemd credential"
	case TPMKind:
		return "TPM"
	case TransitKind:
		return "transit key"
	case RecoveryKind:
		return "recovery key"
	}
	return string(k)
}

// tryFile reads the configured file, and where the slot remembers another place
// and the configured one does not open it, that one.
func (s *Store) tryFile(slot Slot) error {
	var first error
	for _, file := range slices.Compact([]string{s.cfg.File, slot.File}) {
		if file == "" {
			continue
		}
		err := s.tryFileAt(slot, file)
		if err == nil || errors.Is(err, ErrSealed) && fault.Of(err).Code == "key-damaged" {
			return err
		}
		if first == nil || fault.Of(first).Code == "key-missing" && fault.Of(err).Code != "key-missing" && slot.File == file {
			first = err
		}
	}
	return first
}

func (s *Store) tryFileAt(slot Slot, file string) error {
	seed, err := readKey(file)
	if errors.Is(err, fs.ErrNotExist) {
		return missingFile(file).Because(err)
	}
	if err != nil {
		return err
	}
	defer clear(seed)
	err = s.enter(slot, seed)
	if fault.Of(err).Code == "key-wrong" {
		return wrongFile(file)
	}
	return err
}

func (s *Store) unlockRecovery() error {
	seed, err := ParseRecovery(s.cfg.Recovery)
	if err != nil {
		return err
	}
	defer clear(seed)
	wrong := fault.New(fault.Forbidden, "This recovery key does not open this data directory.").Code("recovery-wrong").
		Cure("A new recovery key revokes the one before: take the one that was made last, or for an older archive the one of its time.")
	for _, slot := range s.doc.Slots {
		if slot.Kind != RecoveryKind {
			continue
		}
		err := s.enter(slot, seed)
		if fault.Of(err).Code == "key-wrong" {
			return wrong.Because(err)
		}
		return err
	}
	return fault.New(fault.Conflict, "This data directory has no recovery key.").Code("recovery-none").
		Cure("One can be made only where the keys open in another way: chatets key recovery new")
}

// tryPassphrase asks a person until the passphrase fits.
func (s *Store) tryPassphrase(ctx context.Context, slot Slot) error {
	if s.cfg.Ask == nil {
		return fault.New(fault.Conflict, "Nobody could be asked for the passphrase.").Code("key-unasked").
			Cure("Start it where somebody can be asked, or give the passphrase with --passphrase-stdin")
	}
	var failed error
	for range askedAtMost {
		given, err := s.cfg.Ask(ctx, failed)
		if err != nil {
			return err
		}
		seed := slot.Passphrase.stretch(given)
		err = s.enter(slot, seed)
		clear(seed)
		if fault.Of(err).Code != "key-wrong" {
			return err
		}
		failed = fault.New(fault.Forbidden, "The passphrase is wrong.").Code("passphrase-wrong").Cure("Try again; see that the keyboard is the one you think")
	}
	return failed
}

// credentialSeed reads a systemd credential.
func (s *Store) credentialSeed(slot Slot) ([]byte, error) {
	missing := fault.New(fault.Conflict, "The systemd credential %s is missing.", slot.Credential).Code("key-missing").
		Cure("Give it to the unit: LoadCredentialEncrypted=%s:/etc/credstore.encrypted/%s", slot.Credential, slot.Credential)
	if s.cfg.Credentials == "" || slot.Credential != filepath.Base(slot.Credential) {
		return nil, missing.Because(errors.New("CREDENTIALS_DIRECTORY is not set"))
	}
	file := filepath.Join(s.cfg.Credentials, slot.Credential)
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missing.Because(err)
	case err != nil, !info.Mode().IsRegular():
		return nil, fault.New(fault.Conflict, "The systemd credential %s cannot be read.", slot.Credential).Code("key-unreadable").
			Cure("See what the unit loads with LoadCredentialEncrypted").Because(err)
	case info.Size() < Size || info.Size() > 64<<10:
		return nil, fault.New(fault.Conflict, "The systemd credential %s holds %d bytes, which is no key.", slot.Credential, info.Size()).Code("key-damaged").
			Cure("Make it from at least %d random bytes: head -c 32 /dev/urandom | systemd-creds encrypt --name=%s - /etc/credstore.encrypted/%s", Size, slot.Credential, slot.Credential)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.Conflict, "The systemd credential %s cannot be read.", slot.Credential).Code("key-unreadable").
			Cure("Run the command as the service's user, inside its unit").Because(err)
	}
	defer clear(text)
	return hashed(text), nil
}
