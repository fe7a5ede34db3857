package model

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/audit"
	"chatets/appliance/fault"
)

// The folder of model files. It is opened as a root: no name leads out of it,
// and no link in it does.

const (
	maxFile = 1 << 40 // bytes of an upload
	// spareDisk is what uploads leave on the disk: the database may be on it too.
	spareDisk = 256 << 20
	stride    = 64 << 20 // bytes written between two looks at the disk
	partName  = ".part-" // begins the name of a file that is being uploaded
	maxFiles  = 1000     // that are listed
	magicSize = 8
)

// File is a model file in the folder.
type File struct {
	Name    string
	Size    int64
	Changed time.Time
}

// Folder is where the model files are, "" where no folder is configured.
func (m *Models) Folder() string { return m.folder }

func noFile(name string) error {
	return fault.New(fault.NotFound, "There is no file %s in the folder of models.", shown(name)).Cure("Look at the list again, or add it.")
}

// root opens the folder, making it where it is missing.
func (m *Models) root() (*os.Root, error) {
	if m.folder == "" {
		return nil, fault.New(fault.Conflict, "No folder for model files is configured.").Code("no-folder").Cure("Name one with --models and start ChatETS again.")
	}
	if err := os.MkdirAll(m.folder, 0o750); err != nil {
		return nil, fileFault(fmt.Errorf("the folder of models: %w", err))
	}
	root, err := os.OpenRoot(m.folder)
	if err != nil {
		return nil, fileFault(fmt.Errorf("the folder of models: %w", err))
	}
	return root, nil
}

// fileName is the plain name of a model file. Whatever could lead elsewhere or
// cannot be shown is refused, not mended.
func fileName(name string) error {
	bad := func(sentence string) error {
		return fault.New(fault.Invalid, "%s", sentence).Cure("Name it like llama-3.1-8b.gguf.").With(fault.Detail{Field: "path.name", Sentence: sentence})
	}
	switch {
	case strings.ContainsAny(name, `/\`) || name == "." || name == "..":
		return bad("The name may hold no folder.")
	case !utf8.ValidString(name), strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }), strings.TrimSpace(name) != name:
		return bad("The name holds a sign that cannot be shown.")
	case strings.HasPrefix(name, "."):
		return bad("The name may not begin with a dot.")
	case len(name) > 200:
		return bad("The name is too long: at most 200 bytes.")
	case !strings.EqualFold(name[max(0, len(name)-5):], ".gguf") || len(name) == 5:
		return bad("A model file ends in .gguf.")
	}
	return nil
}

// Files lists the model files in the folder, by name.
func (m *Models) Files(ctx context.Context) ([]File, error) {
	if _, err := administers(ctx); err != nil {
		return nil, err
	}
	if m.folder == "" {
		return nil, nil
	}
	root, err := m.root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, fileFault(fmt.Errorf("list the folder of models: %w", err))
	}
	var list []File
	for _, e := range entries {
		if fileName(e.Name()) != nil || !e.Type().IsRegular() || len(list) >= maxFiles {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted while they were listed
		}
		if err != nil {
			return nil, fileFault(err)
		}
		list = append(list, File{Name: e.Name(), Size: info.Size(), Changed: info.ModTime().UTC()})
	}
	slices.SortFunc(list, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// AddFile keeps an uploaded model file. A file of that name is replaced, once
// the new one is whole.
//
//  1. The beginning is read; what is no model is refused before anything is written.
//  2. The bytes go into a file of another name, and to the disk.
//  3. The file gets its name, and the folder goes to the disk too.
func (m *Models) AddFile(ctx context.Context, name string, size int64, body io.Reader) (File, error) {
	if _, err := administers(ctx); err != nil {
		return File{}, err
	}
	if err := fileName(name); err != nil {
		return File{}, err
	}
	root, err := m.root()
	if err != nil {
		return File{}, err
	}
	defer root.Close()
	if err := m.room(max(size, 0)); err != nil {
		return File{}, err
	}
	begin := make([]byte, magicSize)
	n, err := io.ReadFull(body, begin)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return File{}, err
	}
	if err := gguf(begin[:n]); err != nil {
		return File{}, err
	}
	part := partName + newID()
	if err := m.write(ctx, root, part, io.MultiReader(bytes.NewReader(begin), body)); err != nil {
		return File{}, errors.Join(err, gone(root.Remove(part)))
	}
	if err := errors.Join(root.Rename(part, name), syncRoot(root)); err != nil {
		return File{}, errors.Join(fileFault(fmt.Errorf("name a model file: %w", err)), gone(root.Remove(part)))
	}
	info, err := root.Stat(name)
	if err != nil {
		return File{}, fileFault(err)
	}
	file := File{Name: name, Size: info.Size(), Changed: info.ModTime().UTC()}
	if err := m.store.acted(context.WithoutCancel(ctx), audit.Entry{Act: "model-file.add", ObjectKind: "model-file", Detail: map[string]any{"file": name, "size": file.Size}}); err != nil {
		return File{}, err
	}
	m.tell("models")
	return file, nil
}

// gone is the failure to remove what may not be there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// gguf refuses what does not begin like a model file that can be imported.
func gguf(begin []byte) error {
	no := fault.New(fault.Unsupported, "This is no GGUF file: its content does not begin like that of a model.").Code("not-gguf").
		Cure("Choose another file, or get this model as GGUF again.")
	if len(begin) < magicSize || string(begin[:4]) != "GGUF" {
		return no
	}
	version := binary.LittleEndian.Uint32(begin[4:])
	switch {
	case version == 2 || version == 3:
		return nil
	case version == 1 || version > 3 && version < 100:
		return fault.New(fault.Unsupported, "This is a GGUF file of version %d, which model servers do not read.", version).Code("not-gguf").
			Cure("Get the model as GGUF of version 3.")
	}
	return no
}

// write copies a body into a new file until it is on the disk.
func (m *Models) write(ctx context.Context, root *os.Root, name string, body io.Reader) error {
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return fileFault(fmt.Errorf("write a model file: %w", err))
	}
	defer func() { _ = file.Close() }() // the second close after a success says nothing
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		source := &remembering{r: body}
		n, err := io.CopyN(file, source, stride)
		switch {
		case source.err != nil:
			return source.err
		case errors.Is(err, io.EOF):
			if err := errors.Join(file.Sync(), file.Close()); err != nil {
				return fileFault(fmt.Errorf("write a model file: %w", err))
			}
			return nil
		case err != nil:
			return fileFault(fmt.Errorf("write a model file after %d bytes: %w", n, err))
		}
		if err := m.room(0); err != nil {
			return err
		}
	}
}

// remembering tells a failure of the reading from one of the writing.
type remembering struct {
	r   io.Reader
	err error
}

func (r *remembering) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// room refuses what the disk has no space for.
func (m *Models) room(size int64) error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(m.folder, &disk); err != nil {
		return fileFault(fmt.Errorf("look at the disk: %w", err))
	}
	if free := int64(disk.Bavail)*int64(disk.Bsize) - spareDisk; free < size || free < 0 {
		return diskFull().Because(fmt.Errorf("%d bytes are free beside what is kept, %d are needed", free, size))
	}
	return nil
}

func diskFull() *fault.Error {
	return fault.New(fault.Full, "The disk has no room for this model file.").Cure("Delete model files that are not needed, or make the disk larger.")
}

func syncRoot(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// fileFault names the failures of a disk.
func fileFault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return diskFull().Because(err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Unavailable, "ChatETS may not write into the folder of models.").Cure("Give the folder to the user of the service.").Because(err)
	}
	return err
}

// RemoveFile deletes a model file from the folder. Servers that imported it keep
// their copy.
func (m *Models) RemoveFile(ctx context.Context, name string) error {
	if _, err := administers(ctx); err != nil {
		return err
	}
	if fileName(name) != nil {
		return noFile(name)
	}
	root, err := m.root()
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return noFile(name)
	}
	if err := errors.Join(err, root.Remove(name)); err != nil {
		return fileFault(fmt.Errorf("delete a model file: %w", err))
	}
	err = m.store.acted(context.WithoutCancel(ctx), audit.Entry{Act: "model-file.delete", ObjectKind: "model-file", Detail: map[string]any{"file": name, "size": info.Size()}})
	m.tell("models")
	return err
}

// sweep removes what uploads left that a crash ended.
func (m *Models) sweep() error {
	if m.folder == "" {
		return nil
	}
	if _, err := os.Stat(m.folder); errors.Is(err, fs.ErrNotExist) {
		return nil // it is made when it is needed
	}
	root, err := m.root()
	if err != nil {
		return err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), partName) && e.Type().IsRegular() {
			err = errors.Join(err, root.Remove(e.Name()))
		}
	}
	return err
}
