package encoder

import "unsafe"

// plain is the twin of the assembly for processors that have none of it.
func plain() kernels {
	return kernels{name: "plain", rows: 4, multiply: multiplyPlain, widen: widenPlain}
}

func multiplyPlain(k int, a *float32, lda int, b *float32, c *float32, ldc int) {
	as, bs, cs := unsafe.Slice(a, 3*lda+k), unsafe.Slice(b, k*panel), unsafe.Slice(c, 3*ldc+panel)
	for r := range 4 {
		row := as[r*lda : r*lda+k]
		for h := 0; h < panel; h += 8 {
			var c0, c1, c2, c3, c4, c5, c6, c7 float32
			at := h
			for _, v := range row {
				q := bs[at : at+8 : at+8]
				c0 += v * q[0]
				c1 += v * q[1]
				c2 += v * q[2]
				c3 += v * q[3]
				c4 += v * q[4]
				c5 += v * q[5]
				c6 += v * q[6]
				c7 += v * q[7]
				at += panel
			}
			o := cs[r*ldc+h : r*ldc+h+8]
			o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7] = c0, c1, c2, c3, c4, c5, c6, c7
		}
	}
}

func widenPlain(k int, codes *byte, scales *float32, b *float32) {
	from, by, to := unsafe.Slice(codes, k*panel), unsafe.Slice(scales, k), unsafe.Slice(b, k*panel)
	for i, s := range by {
		row, out := from[i*panel:(i+1)*panel], to[i*panel:(i+1)*panel]
		for j, code := range row {
			out[j] = float32(int8(code)) * s
		}
	}
}
