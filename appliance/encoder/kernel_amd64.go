package encoder

import "golang.org/x/sys/cpu"

//go:noescape
func multiplyAVX2(k int, a *float32, lda int, b *float32, c *float32, ldc int)

//go:noescape
func multiplyAVX512(k int, a *float32, lda int, b *float32, c *float32, ldc int)

//go:noescape
func widenAVX2(k int, codes *byte, scales *float32, b *float32)

//go:noescape
func widenAVX512(k int, codes *byte, scales *float32, b *float32)

//go:noescape
func directAVX512(k int, a *float32, lda int, codes *byte, scales *float32, c *float32, ldc int)

func fastest() kernels {
	all := usable()
	return all[len(all)-1]
}

// usable are the forms that this processor can run, the fastest last.
func usable() []kernels {
	out := []kernels{plain()}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		out = append(out, kernels{name: "avx2", rows: 4, multiply: multiplyAVX2, widen: widenAVX2})
	}
	if cpu.X86.HasAVX512F {
		out = append(out, kernels{name: "avx512", rows: 8, multiply: multiplyAVX512, widen: widenAVX512, few: 12, direct: directAVX512})
	}
	return out
}
