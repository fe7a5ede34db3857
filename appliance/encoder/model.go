package encoder

import "math"

type norms struct{ scale, bias []float32 }

type layer struct {
	width           int
	before, between norms
	attend, merge   matrix // query, key and value side by side; the heads' results together
	grow, shrink    matrix
	widen           matrix // what is added past the first layer must get its width
}

type model struct {
	embeddings matrix // by piece: one row of 256 after the other, a scale for each 32
	timing     []float32
	layers     [2]layer
	last       matrix
}

// roomy is the largest window, rounded up to whole blocks of rows and panels of columns.
const roomy = 128

// few is the most rows that a product of one row may write.
const few = 12

// scratch is the memory of one run; it is pooled, since a run needs two megabytes of it.
type scratch struct {
	x, normed, joined, summed []float32 // [roomy][wide]
	qkv                       []float32 // [roomy][inner], also the feed-forward block's
	scores                    []float32 // [roomy][roomy]
	weights                   []float32 // [inner][panel], the panel at work
	vector                    []float32 // [few][wide], the first row is the result
}

func newScratch() *scratch {
	rows := func(width int) []float32 { return make([]float32, roomy*width) }
	return &scratch{x: rows(wide), normed: rows(wide), joined: rows(wide), summed: rows(wide),
		qkv: rows(inner), scores: rows(roomy), weights: make([]float32, inner*panel), vector: make([]float32, few*wide)}
}

// run leaves the vector of at most `window` pieces in s.vector.
func (m *model) run(k kernels, s *scratch, ids []int32) {
	n := len(ids)
	m.place(s.x, ids)
	for i := range m.layers {
		m.layers[i].run(k, s, n)
	}
	mean := s.normed[:few*wide]
	clear(mean)
	for t := range n {
		for i, v := range s.x[t*wide : (t+1)*wide] {
			mean[i] += v
		}
	}
	for i := range mean[:wide] {
		mean[i] /= float32(n)
	}
	m.last.multiply(k, s.weights, mean, 1, s.vector)
	for i, v := range s.vector[:wide] {
		s.vector[i] = float32(math.Tanh(float64(v)))
	}
	normalise(s.vector[:wide])
}

// place writes the embeddings, twice (the original adds them to themselves), and the place in the text.
func (m *model) place(x []float32, ids []int32) {
	const groups = narrow / panel
	for t, id := range ids {
		row, codes := x[t*narrow:(t+1)*narrow], m.embeddings.codes[int(id)*narrow:]
		for g, scale := range m.embeddings.scales[int(id)*groups : (int(id)+1)*groups] {
			for j := g * panel; j < (g+1)*panel; j++ {
				row[j] = 2 * scale * float32(int8(codes[j]))
			}
		}
		for i, rate := range m.timing {
			sin, cos := math.Sincos(float64(float32(t) * rate))
			row[i] += float32(sin)
			row[i+narrow/2] += float32(cos)
		}
	}
	clear(x[len(ids)*narrow : roomy*narrow])
}

func (l *layer) run(k kernels, s *scratch, n int) {
	l.before.apply(s.x, n, l.width, s.normed)
	l.attend.multiply(k, s.weights, s.normed, n, s.qkv)
	l.heads(k, s, n)
	l.merge.multiply(k, s.weights, s.joined, n, s.summed)
	if l.width != wide {
		l.widen.multiply(k, s.weights, s.x, n, s.normed)
		s.x, s.normed = s.normed, s.x
	}
	add(s.x[:n*wide], s.summed)
	l.between.apply(s.x, n, wide, s.normed)
	l.grow.multiply(k, s.weights, s.normed, n, s.qkv)
	for i, v := range s.qkv[:n*inner] {
		s.qkv[i] = max(v, 0)
	}
	l.shrink.multiply(k, s.weights, s.qkv, n, s.summed)
	add(s.x[:n*wide], s.summed)
}

// heads lets every piece look at every other. Keys and values are laid out as
// panels, so that the same inner loop serves here and for the weights.
func (l *layer) heads(k kernels, s *scratch, n int) {
	size, stride := l.width/heads, 3*l.width
	blocks := (n + panel - 1) / panel
	by := float32(1 / math.Sqrt(float64(size)))
	for h := range heads {
		query, key, value := h*size, l.width+h*size, 2*l.width+h*size
		for p := range blocks {
			b := s.weights[:size*panel]
			clear(b)
			for u := p * panel; u < min(n, (p+1)*panel); u++ {
				for i, v := range s.qkv[u*stride+key : u*stride+key+size] {
					b[i*panel+u%panel] = v * by
				}
			}
			for t := 0; t < n; t += k.rows {
				k.multiply(size, &s.qkv[t*stride+query], stride, &b[0], &s.scores[t*roomy+p*panel], roomy)
			}
		}
		for t := range n {
			softmax(s.scores[t*roomy : t*roomy+n])
		}
		for p := 0; p < size/panel; p++ {
			b := s.weights[:n*panel]
			for u := range n {
				copy(b[u*panel:(u+1)*panel], s.qkv[u*stride+value+p*panel:])
			}
			for t := 0; t < n; t += k.rows {
				k.multiply(n, &s.scores[t*roomy], roomy, &b[0], &s.joined[t*l.width+h*size+p*panel], l.width)
			}
		}
	}
}

func (v norms) apply(x []float32, n, width int, y []float32) {
	for t := range n {
		row, out := x[t*width:(t+1)*width], y[t*width:(t+1)*width]
		var s0, s1, s2, s3 float32
		for i := 0; i+3 < len(row); i += 4 {
			s0, s1, s2, s3 = s0+row[i], s1+row[i+1], s2+row[i+2], s3+row[i+3]
		}
		mean := (s0 + s1 + s2 + s3) / float32(width)
		s0, s1, s2, s3 = 0, 0, 0, 0
		for i := 0; i+3 < len(row); i += 4 {
			a, b, c, d := row[i]-mean, row[i+1]-mean, row[i+2]-mean, row[i+3]-mean
			s0, s1, s2, s3 = s0+a*a, s1+b*b, s2+c*c, s3+d*d
		}
		by := float32(1 / math.Sqrt(float64((s0+s1+s2+s3)/float32(width))+1e-6))
		scale, bias := v.scale[:len(row)], v.bias[:len(row)]
		for i, x := range row {
			out[i] = (x-mean)*by*scale[i] + bias[i]
		}
	}
}

func add(x, y []float32) {
	for i, v := range y[:len(x)] {
		x[i] += v
	}
}

func softmax(v []float32) {
	most := v[0]
	for _, x := range v {
		most = max(most, x)
	}
	var sum float32
	for i, x := range v {
		e := exp(x - most)
		v[i] = e
		sum += e
	}
	by := 1 / sum
	for i := range v {
		v[i] *= by
	}
}

// exp is e to the power of x for x <= 0, good to a few units of the last
// place; the library's is made for float64 and would take a tenth of a run.
func exp(x float32) float32 {
	if x < -87 {
		return 0
	}
	n := float32(int32(x*math.Log2E - 0.5))
	r := x - n*0.693359375 + n*2.12194440e-4
	p := float32(1.9875691500e-4)
	p = p*r + 1.3981999507e-3
	p = p*r + 8.3334519073e-3
	p = p*r + 4.1665795894e-2
	p = p*r + 1.6666665459e-1
	p = p*r + 5.0000001201e-1
	p = p*r*r + r + 1
	return p * math.Float32frombits(uint32(int32(n)+127)<<23)
}
