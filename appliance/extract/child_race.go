//go:build race

package extract

// limitSpace is off: the race detector's shadow takes more address space than
// the limit before the first line runs.
const limitSpace = false
