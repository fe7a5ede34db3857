package target

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// part begins the names of files that are being written.
const part = ".part-"

// entry is one name of a folder.
type entry struct {
	name   string
	folder bool
	size   int64
}

// tree lists the files of folders in the order of their whole names' bytes, as
// an object store does: a folder counts with its slash.
type tree struct {
	read          func(ctx context.Context, folder string) ([]entry, error) // folder "" is the root; fs.ErrNotExist is empty
	prefix, after string
}

// walk gives out the files of a folder; false ends it.
func (t tree) walk(ctx context.Context, folder string, yield func(Object, error) bool) bool {
	if err := ctx.Err(); err != nil {
		yield(Object{}, err)
		return false
	}
	entries, err := t.read(ctx, folder)
	if err != nil {
		if isMissing(err) {
			return true
		}
		yield(Object{}, err)
		return false
	}
	for i, e := range entries {
		entries[i].name = path.Join(folder, e.name)
		if e.folder {
			entries[i].name += "/"
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	for _, e := range entries {
		name := e.name
		switch {
		case strings.HasPrefix(path.Base(name), "."):
		case e.folder && !strings.HasPrefix(name, t.prefix) && !strings.HasPrefix(t.prefix, name):
		case e.folder && t.after > name && !strings.HasPrefix(t.after, name):
			// All of the folder comes before.
		case e.folder:
			if !t.walk(ctx, strings.TrimSuffix(name, "/"), yield) {
				return false
			}
		case !strings.HasPrefix(name, t.prefix), name <= t.after:
		case !yield(Object{Name: name, Size: e.size}, nil):
			return false
		}
	}
	return true
}

// folderOf is the deepest folder that holds all names of a prefix.
func folderOf(prefix string) string {
	if i := strings.LastIndexByte(prefix, '/'); i > 0 {
		return prefix[:i]
	}
	return ""
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNotFound) }
