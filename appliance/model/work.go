package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"time"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/inference"
	"chatets/appliance/job"
)

// importKind is the job that brings a model file to a server.
const importKind = "model.import"

// Import is a model file to be made a model of a server.
type Import struct {
	Server   string `json:"server"` // id
	File     string `json:"file"`   // name in the folder
	Name     string `json:"name"`   // of the model
	Template string `json:"template,omitempty"`
	System   string `json:"system,omitempty"`
	Context  int    `json:"context,omitempty"`
}

// The notes of an import, by what it is doing; what the server says stands
// behind the last.
const (
	noteReading = "reading the file"
	noteSending = "sending the file"
	noteMaking  = "making the model"
)

// Jobs registers the work of this room with the queue it will run in.
func (m *Models) Jobs(q *job.Queue) {
	m.store.queue = q
	q.Handle(importKind, job.Options{Attempts: 3, Timeout: 12 * time.Hour}, m.importFile)
}

// newName is how a server takes the name of a new model.
var newName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,79}(/[A-Za-z0-9][A-Za-z0-9._-]{0,79})?(:[A-Za-z0-9][A-Za-z0-9._-]{0,79})?$`)

// Import begins to bring a model file to a server, and returns the job.
func (m *Models) Import(ctx context.Context, n Import) (string, error) {
	if _, err := administers(ctx); err != nil {
		return "", err
	}
	if _, err := m.store.server(ctx, n.Server); err != nil {
		return "", err
	}
	if !newName.MatchString(n.Name) {
		return "", wrong("body.name", "A model is named like llama3.1:8b, with letters, digits, dots, dashes and underscores.")
	}
	if n.Context != 0 && (n.Context < leastTo || n.Context > mostTo) {
		return "", wrong("body.context", "Give a number of tokens from 512 on; 0 leaves it to the model.")
	}
	l, client := m.linked(n.Server)
	if client == nil {
		return "", switchedOff(l)
	}
	if _, ok := client.(inference.Shelf); !ok {
		return "", noShelf()
	}
	file, size, err := m.openFile(n.File)
	if err != nil {
		return "", err
	}
	if err := file.Close(); err != nil {
		return "", err
	}
	return m.store.enqueueImport(ctx, n, audit.Entry{Act: importKind, ObjectKind: "server", Object: n.Server,
		Detail: map[string]any{"file": n.File, "model": n.Name, "size": size}})
}

// openFile opens a model file of the folder for reading, checked again: it may
// have come into the folder by another way than ours.
func (m *Models) openFile(name string) (*os.File, int64, error) {
	if fileName(name) != nil {
		return nil, 0, noFile(name)
	}
	root, err := m.root()
	if err != nil {
		return nil, 0, err
	}
	defer root.Close()
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, 0, noFile(name)
	}
	if err != nil {
		return nil, 0, fileFault(err)
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, 0, fileFault(err)
	}
	begin := make([]byte, magicSize)
	n, err := io.ReadFull(file, begin)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, 0, errors.Join(fileFault(err), file.Close())
	}
	if err := gguf(begin[:n]); err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// importFile is one attempt of an import. It may be repeated: the server says
// whether it has the file already, and makes the model anew.
func (m *Models) importFile(ctx context.Context, j *job.Running) error {
	var n Import
	if err := json.Unmarshal(j.Payload, &n); err != nil {
		return job.Permanent(fmt.Errorf("payload: %w", err))
	}
	l, client := m.linked(n.Server)
	if client == nil {
		return job.Permanent(fault.New(fault.Conflict, "The model server is not in use any more.").Cure("Switch it on and import the file again."))
	}
	shelf, ok := client.(inference.Shelf)
	if !ok {
		return job.Permanent(noShelf())
	}
	if err := m.bring(ctx, j, shelf, n); err != nil {
		if ctx.Err() == nil && !inference.Elsewhere(err) {
			return job.Permanent(outside(err))
		}
		return err
	}
	if err := m.discover(ctx, l, client); err != nil {
		m.log.Warn("the models of a server cannot be listed", "server", n.Server, "error", err)
		m.nudge(n.Server)
	}
	return nil
}

// bring reads a file for its sum, sends it and has the model made.
func (m *Models) bring(ctx context.Context, j *job.Running, shelf inference.Shelf, n Import) error {
	file, size, err := m.openFile(n.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	sum := sha256.New()
	if _, err := io.Copy(sum, &told{r: file, tell: func(done int64) error { return j.Progress(ctx, done, size, noteReading) }}); err != nil {
		return fileFault(err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	digest := hex.EncodeToString(sum.Sum(nil))
	if err := j.Progress(ctx, 0, size, noteSending); err != nil {
		return err
	}
	if err := shelf.Put(ctx, digest, size, file, func(sent int64) { m.progress(ctx, j, sent, size, noteSending) }); err != nil {
		return err
	}
	if err := j.Progress(ctx, size, size, noteMaking); err != nil {
		return err
	}
	return shelf.Create(ctx, inference.NewModel{Name: n.Name, Files: map[string]string{n.File: digest}, Template: n.Template, System: n.System, Context: n.Context},
		func(note string) { m.progress(ctx, j, size, size, noteMaking+": "+cut(note)) })
}

// progress tells how far an import is; that it cannot be written down does not
// end the import.
func (m *Models) progress(ctx context.Context, j *job.Running, done, total int64, note string) {
	if err := j.Progress(ctx, done, total, note); err != nil && ctx.Err() == nil {
		m.log.Warn("the progress of an import cannot be kept", "job", j.ID, "error", err)
	}
}

// cut shortens what a server says.
func cut(note string) string {
	const most = 120
	if len([]rune(note)) > most {
		return string([]rune(note)[:most]) + "…"
	}
	return note
}

// told is a reader that tells how much was read, and ends when telling fails.
type told struct {
	r    io.Reader
	read int64
	tell func(int64) error
}

func (t *told) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.read += int64(n)
	if e := t.tell(t.read); e != nil {
		return n, e
	}
	return n, err
}
