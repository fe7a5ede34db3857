//go:build !amd64

package main

import "unsafe"

// read looks at every byte, eight at a time.
func read(data *byte, n int) uint64 {
	var sum uint64
	for _, x := range unsafe.Slice((*uint64)(unsafe.Pointer(data)), n/8) {
		sum ^= x
	}
	return sum
}
