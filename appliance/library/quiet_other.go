//go:build !linux

package library

// giveWay does nothing where threads have no priority of their own.
func giveWay() {}
