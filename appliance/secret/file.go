package secret

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"chatets/appliance/fault"
)

const (
	// prefix and checksum tell a key file from any other file, and a torn one from a wrong one.
	prefix   = "chatets-master-key-1:"
	checkPur = "key-check"
	checkVal = "this data directory belongs to this key"
)

// Open reads the master key of a data directory from a file outside of it. Both
// are made together: a new key only for a directory that holds no data yet
// (created tells), so that a lost key is never silently replaced.
func Open(file, dataDir string) (k *Keyring, created bool, err error) {
	check := filepath.Join(dataDir, "key.check")
	proof, err := os.ReadFile(check)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return nil, false, fmt.Errorf("read the key's proof: %w", err)
	}
	if fresh {
		if _, err := os.Stat(filepath.Join(dataDir, "chatets.db")); err == nil {
			return nil, false, fault.New(fault.Conflict, "The data directory holds a database but not the proof of its key (key.check).").Code("key-unproven").
				Cure("Restore the whole data directory from its backup.")
		}
	}
	master, err := readKey(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && fresh:
		if master, err = makeKey(file); err != nil {
			return nil, false, err
		}
		created = true
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, fault.New(fault.Conflict, "The key file %s is missing; without it nothing in the data directory can be read.", file).Code("key-missing").
			Cure("Put the key file back from where you keep its copy, or name its place with --key.")
	case err != nil:
		return nil, false, err
	}
	k, err = New(master)
	if err != nil {
		return nil, false, err
	}
	if fresh {
		return k, created, k.prove(check)
	}
	if plain, err := k.Open(checkPur, proof, nil); err != nil || string(plain) != checkVal {
		return nil, false, fault.New(fault.Conflict, "The key file %s is not the key of this data directory.", file).Code("key-wrong").
			Cure("Use the key file that was made with this data directory.")
	}
	return k, false, nil
}

// readKey reads and checks a key file; fs.ErrNotExist where there is none.
func readKey(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return nil, fault.New(fault.Conflict, "The key file %s cannot be read.", file).Code("key-unreadable").
			Cure("Give the service's user the right to read it.").Because(err)
	}
	if info.Mode().Perm()&0o037 != 0 {
		return nil, fault.New(fault.Conflict, "The key file %s can be read or changed by others (mode %04o).", file, info.Mode().Perm()).Code("key-open").
			Cure("Run: chmod 600 %s", file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.Conflict, "The key file %s cannot be read.", file).Code("key-unreadable").
			Cure("Give the service's user the right to read it.").Because(err)
	}
	torn := fault.New(fault.Conflict, "The key file %s is damaged or is no key file.", file).Code("key-damaged").
		Cure("Put the key file back from where you keep its copy.")
	body, found := strings.CutPrefix(strings.TrimSpace(string(text)), prefix)
	if !found {
		return nil, torn
	}
	hexKey, hexSum, _ := strings.Cut(body, ":")
	key, err := hex.DecodeString(hexKey)
	if err != nil || len(key) != Size {
		return nil, torn
	}
	sum, err := hex.DecodeString(hexSum)
	if want := sha256.Sum256(key); err != nil || !bytes.Equal(sum, want[:4]) {
		return nil, torn
	}
	return key, nil
}

// makeKey writes a new key file, whole or not at all.
func makeKey(file string) ([]byte, error) {
	key := make([]byte, Size)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	sum := sha256.Sum256(key)
	text := prefix + hex.EncodeToString(key) + ":" + hex.EncodeToString(sum[:4]) + "\n"
	if err := writeFile(file, []byte(text)); err != nil {
		return nil, fault.New(fault.Unavailable, "The key file %s cannot be written.", file).Code("key-unwritable").
			Cure("Make its folder and give the service's user the right to write there, or name another place with --key.").Because(err)
	}
	return key, nil
}

// prove leaves in the data directory what only the right key opens.
func (k *Keyring) prove(file string) error {
	sealed, err := k.Seal(checkPur, []byte(checkVal), nil)
	if err != nil {
		return err
	}
	if err := writeFile(file, sealed); err != nil {
		return fault.New(fault.Unavailable, "The data directory cannot be written.").
			Cure("Check who owns it and that its file system is not mounted read-only.").Because(err)
	}
	return nil
}

// writeFile writes a file of mode 0600 so that after a power cut it is there
// whole or not at all: temporary file, fsync, rename, fsync of the folder.
func writeFile(file string, data []byte) error {
	part := file + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(part)
		return err
	}
	if err := os.Rename(part, file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
