package embed

import "unsafe"

// Weights is the file of the built-in encoder, where the binary maps it, and
// whether the build made it. The bytes must not be written to.
func Weights() ([]byte, bool) {
	data := weights{}.made()
	return unsafe.Slice(unsafe.StringData(data), len(data)), data != ""
}

// weights has its method from weights_made.go, which `make weights` writes. In
// a clone without that file the method of none is promoted: the tree compiles
// either way, and no copy is made as one would be out of an embed.FS.
type weights struct{ none }

type none struct{}

func (none) made() string { return "" }
