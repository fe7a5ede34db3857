package vector

import "golang.org/x/sys/cpu"

//go:noescape
func dotsVNNI(codes *byte, query *int8, out *int32, rows, stride int)

//go:noescape
func dotsAVX2(codes *byte, query *int16, out *int32, rows, stride int)

// kernels are the ways of scanning this processor has, the best first.
func kernels() []kernel {
	var all []kernel
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VNNI {
		all = append(all, kernel{"avx512-vnni", func(codes []byte, q *code, out []int32) {
			dotsVNNI(&codes[0], &q.narrow[0], &out[0], len(out), len(q.narrow))
		}})
	}
	if cpu.X86.HasAVX2 {
		all = append(all, kernel{"avx2", func(codes []byte, q *code, out []int32) {
			dotsAVX2(&codes[0], &q.wide[0], &out[0], len(out), len(q.wide))
		}})
	}
	return append(all, kernel{"go", dotsGo})
}
