package vfs

import "unsafe"

// SQLite's memory is not Go's: it lies outside of the heap, and what it calls a
// function is the address of a Go function value.

// at is the C struct at an address.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// region is the C memory at an address.
func region(p uintptr, n int) []byte {
	if n <= 0 {
		return nil
	}
	return unsafe.Slice(at[byte](p), n)
}

// address is where C memory begins.
func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// pointer makes a function of ours callable by SQLite; f is no closure.
func pointer(f any) uintptr {
	type face [2]uintptr
	return (*face)(unsafe.Pointer(&f))[1]
}

// call makes a function of SQLite's callable by us.
func call[T any](p uintptr) T { return *(*T)(unsafe.Pointer(&struct{ uintptr }{p})) }
