package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

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

// proofName is the file that, in directories of the earlier form, proves that a
// key is the right one.
const proofName = "key.check"

func missingFile(file string) *fault.Error {
	return fault.New(fault.Conflict, "The key file is missing; without it nothing in the data directory can be read.").Code("key-missing").
		Cure("Put the key file back at %s from where you keep its copy, or name its place with --key.", file)
}

func wrongFile(file string) error {
	return fault.New(fault.Conflict, "The key file is not the key of this data directory.").Code("key-wrong").
		Cure("Put the key that was made with this data directory at %s, or name its place with --key.", file)
}

// unwritable is what a data directory that does not take the keys is answered with.
func unwritable(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fault.New(fault.Full, "The disk of the data directory is full; the keys were not changed.").Cure("Free space on it.").Because(err)
	}
	return fault.New(fault.Unavailable, "The data directory cannot be written.").Code("data-unwritable").
		Cure("Check that it exists, that the service's user owns it, and that its file system is not mounted read-only.").Because(err)
}

// proves reports whether a proof is of a key: a sub-key shows nothing of the key,
// and no other key gives the same.
func proves(proof, key []byte) bool {
	return subtle.ConstantTimeCompare(proof, derive(key, "key-check")[:proofSize]) == 1
}

// within reports whether the key would lie in the data directory.
func within(file, dataDir string) bool {
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
			return nil, fault.New(fault.Conflict, "The data directory holds a database but not its keys (keys.json).").Code("key-unproven").
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
	key, err := draw()
	if err != nil {
		return nil, err
	}
	if err := writeFile(file, encode(keyPrefix, key)); err != nil {
		return nil, unwritableFile(file, err)
	}
	return key, nil
}

func unwritableFile(file string, err error) error {
	return fault.New(fault.Unavailable, "The key file cannot be written.").Code("key-unwritable").
		Cure("Make the folder of %s and give the service's user the right to write there, or name another place with --key.", file).Because(err)
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
	part, err := temporaryFile(file, data)
	if err != nil {
		return err
	}
	if err := errors.Join(os.Link(part, file), os.Remove(part)); err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

// temporaryFile writes a file of mode 0600 beside another and syncs it.
func temporaryFile(file string, data []byte) (string, error) {
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*") // makes it with mode 0600
	if err != nil {
		return "", err
	}
	_, err = part.Write(data)
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err != nil {
		return "", errors.Join(err, os.Remove(part.Name()))
	}
	return part.Name(), nil
}

func syncDir(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func removeIfThere(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func linkIfThere(file, second string) error {
	if err := os.Link(file, second); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
