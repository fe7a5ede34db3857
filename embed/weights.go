package embed

import "unsafe"

// Weights is the file of the built-in encoder, where the binary maps it, and
// whether the build made it. The bytes must not be written to.
func Weights() ([]byte, bool) {
	// weights has its method from weights_made.go, which `make weights` writes. In a clone without
	// that file the assertion fails: the tree compiles either way, and no copy is made as out of an embed.FS.
	made, ok := any(weights{}).(interface{ made() string })
	if !ok {
		return nil, false
	}
	data := made.made()
	return unsafe.Slice(unsafe.StringData(data), len(data)), data != ""
}

type weights struct{}
