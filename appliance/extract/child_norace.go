//go:build !race && !cgo

package extract

const limitSpace = true
