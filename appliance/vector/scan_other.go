//go:build !amd64

package vector

// kernels are the ways of scanning this processor has, the best first.
func kernels() []kernel { return []kernel{{"go", dotsGo}} }
