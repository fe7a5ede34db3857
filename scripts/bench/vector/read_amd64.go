package main

// read looks at every byte with as little work as the processor allows (AVX2).
//
//go:noescape
func read(data *byte, n int) uint64
