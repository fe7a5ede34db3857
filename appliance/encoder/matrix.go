package encoder

// matrix holds eight-bit weights as they lie in the file.
type matrix struct {
	rows, columns int
	codes         []byte    // [columns/32][rows][32], signed
	scales        []float32 // [columns/32][rows]
	bias          []float32 // by column
}

// multiply sets y = x * m + bias for n rows of x, each m.rows numbers. x and
// y must have room for n rounded up to eight, and for twelve.
func (m *matrix) multiply(k kernels, b, x []float32, n int, y []float32) {
	for p := 0; p < m.columns/panel; p++ {
		from := p * m.rows
		if n > k.rows && n <= k.few {
			k.direct(m.rows, &x[0], m.rows, &m.codes[from*panel], &m.scales[from], &y[p*panel], m.columns)
			continue
		}
		k.widen(m.rows, &m.codes[from*panel], &m.scales[from], &b[0])
		for t := 0; t < n; t += k.rows {
			k.multiply(m.rows, &x[t*m.rows], m.rows, &b[0], &y[t*m.columns+p*panel], m.columns)
		}
	}
	for t := range n {
		row := y[t*m.columns : (t+1)*m.columns]
		for j, v := range m.bias {
			row[j] += v
		}
	}
}
