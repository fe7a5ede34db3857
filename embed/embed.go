// Package embed is what is compiled into the binary: the built pages and the
// sample documents. It only hands folders out; cmd passes them on as fs.FS.
//
// What a newcomer gets wrong: embed/ui is filled by the build and ignored by
// git. In a fresh clone it holds only its README, so that the tree compiles, and
// the service says that the pages are not built.
package embed

import (
	"embed"
	"io/fs"
)

//go:embed all:ui all:samples
var files embed.FS

// UI is the built web interface.
func UI() fs.FS { return sub("ui") }

// Samples are the documents of the sample knowledge base.
func Samples() fs.FS { return sub("samples") }

func sub(dir string) fs.FS {
	folder, err := fs.Sub(files, dir)
	if err != nil {
		// The name is one of the folders above.
		panic(err)
	}
	return folder
}
