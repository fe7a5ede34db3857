// Package vfs stands between SQLite and the files of a data directory: every page
// is sealed with AES-256-GCM on its way to the disk and opened on its way back.
// It is the default file system of SQLite in this process, so that whoever opens
// a database of ours by its name, replication included, reads and writes it right.
//
// What a newcomer gets wrong: SQLite knows one set of file systems per process, so
// this one is made once and serves every directory that was entered. A database
// outside of them is refused; one that is not sealed needs the file system "unix".
package vfs

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"modernc.org/libc"
	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"chatets/appliance/secret"
)

// Name is the name of the file system, for the parameter vfs of a database's URI.
const Name = "chatets"

// Space is a directory that was entered: the databases in it and below are sealed
// with its keys.
type Space struct {
	dir    string
	sealer *sealer
	holds  atomic.Uint64 // how often the write lock was taken

	mu     sync.Mutex
	damage []Damage
	record func(op) // what is done to the files, for tests of a power cut
}

// Damage is a page that did not open.
type Damage struct {
	Page uint32
	Log  bool // it lies in the write-ahead log
	Err  error
}

// maxDamage is how many damaged pages a space remembers.
const maxDamage = 16

// Enter makes a directory's databases readable in this process until Close. Of two
// spaces of one directory the later one counts.
func Enter(dir string, keys secret.PageKeys) (*Space, error) {
	if keys == nil {
		return nil, errors.New("a database needs the keys of its pages")
	}
	h, err := house()
	if err != nil {
		return nil, err
	}
	whole, err := filepath.Abs(dir)
	if err == nil {
		whole, err = filepath.EvalSymlinks(whole) // as SQLite names the files
	}
	if err != nil {
		return nil, err
	}
	s := &Space{dir: whole, record: h.watch[whole]}
	if s.sealer, err = newSealer(keys); err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.spaces[whole] = append(h.spaces[whole], s)
	h.mu.Unlock()
	return s, nil
}

// Close leaves the directory; no database in it may still be open.
func (s *Space) Close() error {
	h, err := house()
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.spaces[s.dir]
	for i, one := range all {
		if one == s {
			all = append(all[:i:i], all[i+1:]...)
			break
		}
	}
	if h.spaces[s.dir] = all; len(all) == 0 {
		delete(h.spaces, s.dir)
	}
	return nil
}

// Damaged are the pages that did not open since the last call, at most 16.
func (s *Space) Damaged() []Damage {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.damage
	s.damage = nil
	return found
}

func (s *Space) damaged(d Damage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.damage {
		if known.Page == d.Page && known.Log == d.Log {
			return
		}
	}
	if len(s.damage) < maxDamage {
		s.damage = append(s.damage, d)
	}
}

// Forget drops what was derived from the keys; those that are gone open nothing
// from then on.
func (s *Space) Forget() { s.sealer.forget() }

// shim is the file system as SQLite has it.
type shim struct {
	base    uintptr // SQLite's own file system "unix"
	self    uintptr
	methods uintptr // of every open file
	ofd     error   // why the locks are not those that survive a close

	mu     sync.RWMutex
	spaces map[string][]*Space
	watch  map[string]func(op) // what tests of a power cut listen with, by directory
	files  map[*file]bool      // that are open
}

// house is the one shim of the process: SQLite keeps its file systems and what
// runs for a new connection in variables of the whole process.
var house = sync.OnceValues(register)

func register() (*shim, error) {
	h := &shim{spaces: map[string][]*Space{}, files: map[*file]bool{}}
	// Whoever else opens and closes the file, replication does, takes ordinary
	// locks away from the whole process. This must come before the first lock.
	_, h.ofd = driver.OFDLocking(true)
	t := libc.NewTLS()
	defer t.Close()
	// Not the default one: by the second time that would be ourselves.
	unix, err := libc.CString("unix")
	if err != nil {
		return nil, err
	}
	if h.base = lib.Xsqlite3_vfs_find(t, unix); h.base == 0 {
		return nil, errors.New("SQLite has no file system")
	}
	if h.methods, err = ioMethods(t); err != nil {
		return nil, err
	}
	if h.self, err = h.fileSystem(t); err != nil {
		return nil, err
	}
	if rc := lib.Xsqlite3_vfs_register(t, h.self, 1); rc != lib.SQLITE_OK {
		return nil, fmt.Errorf("register the file system: code %d", rc)
	}
	if rc := lib.Xsqlite3_auto_extension(t, pointer(onConnection)); rc != lib.SQLITE_OK {
		return nil, fmt.Errorf("register for connections: code %d", rc)
	}
	return h, nil
}

// LocksSurvive is nil when a close of the database file elsewhere in the process
// leaves SQLite's locks alone, as replication needs it.
func LocksSurvive() error {
	h, err := house()
	if err != nil {
		return err
	}
	if !driver.OFDLockingEnabled() {
		return errors.Join(errors.New("the file system has no locks that survive the close of another descriptor"), h.ofd)
	}
	return nil
}

// spaceOf finds the space of a file; nil where its directory was not entered.
func (h *shim) spaceOf(name string) *Space {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for dir := filepath.Dir(name); ; dir = filepath.Dir(dir) {
		if all := h.spaces[dir]; len(all) > 0 {
			return all[len(all)-1]
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}
