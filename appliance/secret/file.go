package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"chatets/appliance/fault"
)

// The first words of the two files tell them from any other file; the checksum
// behind their bytes tells a torn file from a wrong one.
const (
	keyPrefix   = "chatets-master-key-1:"
	proofPrefix = "chatets-key-check-1:"
	proofSize   = 16
	maxFile     = 1024 // bytes of a file that can still be one of the two
)

// Open reads the master key of a data directory from a file outside of it. A
// new key is made only for a directory that holds no data yet (created tells),
// so that a lost key is never silently replaced; key.check in the directory
// proves from then on that a key is the right one.
func Open(file, dataDir string) (k *Keyring, created bool, err error) {
	if inside(file, dataDir) {
		return nil, false, fault.New(fault.Invalid, "The key file may not lie in the data directory: whoever copies the data would have the key.").Code("key-inside").
			Cure("Name a place outside of %s with --key, and move the key file there if it exists.", dataDir)
	}
	check := filepath.Join(dataDir, "key.check")
	proof, err := readProof(check, dataDir)
	if err != nil {
		return nil, false, err
	}
	master, err := readKey(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && proof == nil:
		if master, err = makeKey(file); err != nil {
			return nil, false, err
		}
		created = true
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, fault.New(fault.Conflict, "The key file is missing; without it nothing in the data directory can be read.").Code("key-missing").
			Cure("Put the key file back at %s from where you keep its copy, or name its place with --key.", file).Because(err)
	case err != nil:
		return nil, false, err
	}
	if k, err = New(master); err != nil {
		return nil, false, err
	}
	// A sub-key shows nothing of the master key, and no other key gives the same.
	own := k.Sub("key-check")[:proofSize]
	if proof == nil {
		if err := writeFile(check, encode(proofPrefix, own)); err != nil {
			return nil, false, fault.New(fault.Unavailable, "The data directory cannot be written.").Code("data-unwritable").
				Cure("Check that it exists, that the service's user owns it, and that its file system is not mounted read-only.").Because(err)
		}
		return k, created, nil
	}
	if subtle.ConstantTimeCompare(proof, own) != 1 {
		return nil, false, fault.New(fault.Conflict, "The key file is not the key of this data directory.").Code("key-wrong").
			Cure("Put the key that was made with this data directory at %s, or name its place with --key.", file)
	}
	return k, false, nil
}

// inside reports whether the key would lie in the data directory.
func inside(file, dataDir string) bool {
	real := func(dir string) string {
		if found, err := filepath.EvalSymlinks(dir); err == nil {
			dir = found
		}
		if whole, err := filepath.Abs(dir); err == nil {
			dir = whole
		}
		return dir
	}
	rel, err := filepath.Rel(real(dataDir), real(filepath.Dir(file)))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// readProof reads key.check; nil where the directory holds no data yet.
func readProof(check, dataDir string) ([]byte, error) {
	text, err := os.ReadFile(check)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dataDir, "chatets.db")); err == nil {
			return nil, fault.New(fault.Conflict, "The data directory holds a database but not the proof of its key (key.check).").Code("key-unproven").
				Cure("Restore the whole data directory from its backup.")
		}
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.Unavailable, "The data directory cannot be read.").Code("data-unreadable").
			Cure("Check that the service's user owns it.").Because(err)
	}
	proof := decode(proofPrefix, text, proofSize)
	if proof == nil {
		return nil, fault.New(fault.Conflict, "The proof of the key (key.check) is damaged.").Code("key-unproven").
			Cure("Restore key.check in the data directory from its backup.")
	}
	return proof, nil
}

// readKey reads and checks a key file; fs.ErrNotExist where there is none.
func readKey(file string) ([]byte, error) {
	unreadable := fault.New(fault.Conflict, "The key file cannot be read.").Code("key-unreadable").
		Cure("See that %s is a file and give the service's user the right to read it.", file)
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil:
		return nil, unreadable.Because(err)
	case !info.Mode().IsRegular():
		return nil, unreadable.Because(fmt.Errorf("%s has mode %s", file, info.Mode()))
	case info.Mode().Perm()&0o037 != 0:
		return nil, fault.New(fault.Conflict, "The key file can be read or changed by others (mode %04o).", info.Mode().Perm()).Code("key-open").
			Cure("Run: chmod 600 %s", file)
	}
	damaged := fault.New(fault.Conflict, "The key file is damaged or is no key file.").Code("key-damaged").
		Cure("Put the key file back at %s from where you keep its copy.", file)
	if info.Size() > maxFile {
		return nil, damaged.Because(fmt.Errorf("%s has %d bytes", file, info.Size()))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, unreadable.Because(err)
	}
	key := decode(keyPrefix, text, Size)
	if key == nil {
		return nil, damaged
	}
	return key, nil
}

// makeKey draws a key and writes its file.
func makeKey(file string) ([]byte, error) {
	key := make([]byte, Size)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	if err := writeFile(file, encode(keyPrefix, key)); err != nil {
		return nil, fault.New(fault.Unavailable, "The key file cannot be written.").Code("key-unwritable").
			Cure("Make the folder of %s and give the service's user the right to write there, or name another place with --key.", file).Because(err)
	}
	return key, nil
}

// encode writes bytes as one line of text with a checksum.
func encode(prefix string, b []byte) []byte {
	sum := sha256.Sum256(b)
	return fmt.Appendf(nil, "%s%x:%x\n", prefix, b, sum[:4])
}

// decode reads what encode wrote; nil for anything else.
func decode(prefix string, text []byte, size int) []byte {
	body, found := strings.CutPrefix(strings.TrimSpace(string(text)), prefix)
	if !found {
		return nil
	}
	digits, sum, _ := strings.Cut(body, ":")
	b, err := hex.DecodeString(digits)
	if want := sha256.Sum256(b); err != nil || len(b) != size || sum != hex.EncodeToString(want[:4]) {
		return nil
	}
	return b
}

// writeFile makes a file of mode 0600 that after a power cut is there whole or
// not at all, and never replaces one: temporary file, fsync, link, fsync of the
// folder.
func writeFile(file string, data []byte) error {
	dir := filepath.Dir(file)
	part, err := os.CreateTemp(dir, "."+filepath.Base(file)+"-*") // makes it with mode 0600
	if err != nil {
		return err
	}
	_, err = part.Write(data)
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Link(part.Name(), file)
	}
	if err = errors.Join(err, os.Remove(part.Name())); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
