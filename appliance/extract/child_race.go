//go:build race || cgo

package extract

// limitSpace is off: the race detector's shadow, and the stacks of C's threads,
// take more address space than the limit before the first line runs. What is
// shipped is built without both.
const limitSpace = false
