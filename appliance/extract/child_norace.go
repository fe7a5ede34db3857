//go:build !race

package extract

const limitSpace = true
