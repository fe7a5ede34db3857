package vfs

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/xaesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keys are page keys that a test turns.
type keys struct {
	current uint32
	all     map[uint32][]byte
}

func (k *keys) Current() (uint32, []byte)        { return k.current, k.all[k.current] }
func (k *keys) Key(number uint32) ([]byte, bool) { key, found := k.all[number]; return key, found }
func key(b byte) []byte                          { return bytes.Repeat([]byte{b}, 32) }
func ring(current uint32, numbers ...uint32) *keys {
	k := &keys{current: current, all: map[uint32][]byte{}}
	for _, n := range numbers {
		k.all[n] = key(byte(n))
	}
	return k
}

func sealerOf(t testing.TB, k *keys) *sealer {
	t.Helper()
	s, err := newSealer(k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// text is a page as SQLite has it.
func text(page uint32) []byte {
	b := make([]byte, PageSize)
	for i := range b[:used] {
		b[i] = byte(i*7 + int(page))
	}
	if page == 1 {
		copy(b, PlainMagic)
		copy(b[16:], []byte{16, 0, 2, 2, reserved, 64, 32, 32})
	}
	return b
}

func sealed(t testing.TB, s *sealer, page uint32, sum []byte) []byte {
	t.Helper()
	out := make([]byte, room+PageSize)
	if err := s.seal(out, text(page), make([]byte, PageSize), page, sum); err != nil {
		t.Fatal(err)
	}
	return out[room:]
}

func opened(s *sealer, page uint32, disk []byte) ([]byte, [sumSize]byte, error) {
	plain := make([]byte, PageSize)
	sum, err := s.open(plain, append(make([]byte, room), disk...), page)
	return plain, sum, err
}

// TestDerivation holds the sub-keys against the test vector of the specification
// of XAES-256-GCM (C2SP).
func TestDerivation(t *testing.T) {
	t.Parallel()
	nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
	text, err := hex.DecodeString("ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271")
	if err != nil {
		t.Fatal(err)
	}
	a, err := derive(key(1), seed(nonce[:seedSize]))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := a.Open(nil, nil, append(nonce[seedSize:], text...), nil)
	if err != nil || string(plain) != "XAES-256-GCM" {
		t.Errorf("got %q, %v", plain, err)
	}
}

// TestPagesAreXAES opens pages with somebody else's XAES-256-GCM.
func TestPagesAreXAES(t *testing.T) {
	t.Parallel()
	other := xaes(t, key(7))
	s := sealerOf(t, ring(7, 7))
	for _, page := range []uint32{1, 2, 70_000} {
		disk := sealed(t, s, page, []byte("checksum"))
		start := 0
		place := []byte{byte(page >> 24), byte(page >> 16), byte(page >> 8), byte(page)}
		if page == 1 {
			start = clearSize
			place = append(place, disk[:clearSize]...)
		}
		plain, err := other.Decrypt(append(bytes.Clone(disk[nonceAt:]), disk[start:nonceAt]...), place)
		if err != nil || !bytes.Equal(plain, append(text(page)[start:used], "checksum"...)) {
			t.Errorf("page %d: %v", page, err)
		}
	}
}

func xaes(t *testing.T, key []byte) tink.AEAD {
	t.Helper()
	parameters, err := xaesgcm.NewParameters(xaesgcm.VariantNoPrefix, 12)
	if err != nil {
		t.Fatal(err)
	}
	k, err := xaesgcm.NewKey(secretdata.NewBytesFromData(key, insecuresecretdataaccess.Token{}), 0, parameters)
	if err != nil {
		t.Fatal(err)
	}
	m := keyset.NewManager()
	id, err := m.AddKey(k)
	if err := errors.Join(err, m.SetPrimary(id)); err != nil {
		t.Fatal(err)
	}
	h, err := m.Handle()
	if err != nil {
		t.Fatal(err)
	}
	a, err := aead.New(h)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestPage seals pages, opens them, and opens nothing that is not exactly what
// was sealed, where it was sealed.
func TestPage(t *testing.T) {
	t.Parallel()
	s := sealerOf(t, ring(3, 1, 3))
	for _, page := range []uint32{1, 2, 1 << 30} {
		disk := sealed(t, s, page, []byte("12345678"))
		plain, sum, err := opened(s, page, disk)
		if err != nil || !bytes.Equal(plain, text(page)) || string(sum[:]) != "12345678" || numberOf(disk) != 3 {
			t.Fatalf("page %d does not come back: %v, sum %q, number %d", page, err, sum, numberOf(disk))
		}
		for at := range disk {
			for _, bit := range []byte{1, 0x80} {
				changed := bytes.Clone(disk)
				changed[at] ^= bit
				plain, _, err := opened(s, page, changed)
				if err == nil {
					t.Errorf("page %d opens with byte %d changed", page, at)
				}
				if bytes.Contains(plain, text(page)[100:110]) {
					t.Errorf("page %d: text of a page that does not open", page)
				}
			}
		}
		for _, other := range []uint32{page + 1, page - 1, page ^ 1<<31, 1} {
			if other == page {
				continue
			}
			if _, _, err := opened(s, other, disk); err == nil {
				t.Errorf("page %d opens as page %d", page, other)
			}
		}
	}
	disk := sealed(t, s, 2, nil)
	if _, sum, err := opened(s, 2, disk); err != nil || sum != [sumSize]byte{} {
		t.Errorf("outside of the log: sum %x, %v", sum, err)
	}
	if _, _, err := opened(sealerOf(t, &keys{3, map[uint32][]byte{3: key(9)}}), 2, disk); !errors.Is(err, errChanged) {
		t.Errorf("another key: %v", err)
	}
	if _, _, err := opened(sealerOf(t, ring(1, 1)), 2, disk); !errors.Is(err, NoKey(3)) {
		t.Errorf("without the key: %v", err)
	}
}

// TestNoPageThatWouldNotComeBack refuses what has text where the seal lies.
func TestNoPageThatWouldNotComeBack(t *testing.T) {
	t.Parallel()
	s := sealerOf(t, ring(1, 1))
	for _, tt := range []struct {
		name   string
		page   uint32
		change func(b []byte)
	}{
		{"text at the end", 2, func(b []byte) { b[PageSize-1] = 1 }},
		{"text where the checksum goes", 2, func(b []byte) { b[used] = 1 }},
		{"page 1 of a database without room", 1, func(b []byte) { b[20] = 0 }},
		{"page 1 that is none", 1, func(b []byte) { b[0] = 'x' }},
	} {
		plain := text(tt.page)
		tt.change(plain)
		if err := s.seal(make([]byte, room+PageSize), plain, make([]byte, PageSize), tt.page, nil); err == nil {
			t.Errorf("%s: it is sealed", tt.name)
		}
	}
}

// TestNoncesAreDrawn wants no nonce twice, of one sealer and of two that have the
// same key, as after a machine was resumed twice; and another seed after a while
// and after the key has turned.
func TestNoncesAreDrawn(t *testing.T) {
	t.Parallel()
	k := ring(1, 1, 2)
	a, b := sealerOf(t, k), sealerOf(t, k)
	seen := map[string]bool{}
	for range 1000 {
		for _, s := range []*sealer{a, b} {
			nonce := string(sealed(t, s, 5, nil)[nonceAt:])
			if seen[nonce] {
				t.Fatal("a nonce repeats")
			}
			seen[nonce] = true
		}
	}
	before := a.current.Load().seed
	a.current.Load().left.Store(0)
	again := sealed(t, a, 5, nil)
	if seed(again[nonceAt:nonceAt+seedSize]) == before {
		t.Error("the seed stays after its last page")
	}
	k.current = 2
	turned := sealed(t, a, 5, nil)
	if numberOf(turned) != 2 {
		t.Errorf("after the key has turned a page is sealed with key %d", numberOf(turned))
	}
	if _, _, err := opened(a, 5, again); err != nil {
		t.Errorf("a page of the old key: %v", err)
	}
	delete(k.all, 1)
	a.forget()
	if _, _, err := opened(a, 5, again); err == nil {
		t.Error("a page of a key that is gone opens")
	}
}

// FuzzOpenPage opens whatever it is given without a panic, and nothing but the page.
func FuzzOpenPage(f *testing.F) {
	s := sealerOf(f, ring(1, 1))
	disk := sealed(f, s, 9, nil)
	f.Add(disk, uint32(9))
	f.Add(disk[:100], uint32(1))
	f.Add([]byte(Magic), uint32(1))
	f.Fuzz(func(t *testing.T, b []byte, page uint32) {
		whole := make([]byte, PageSize)
		copy(whole, b)
		if _, _, err := opened(s, page, whole); err == nil && (page != 9 || !bytes.Equal(whole, disk)) {
			t.Error("something that was never sealed opens")
		}
		_, _ = s.openBytes(b, placeOf(int64(page)))
	})
}

func BenchmarkSealPage(b *testing.B) {
	s := sealerOf(b, ring(1, 1))
	plain, out, scratch := text(2), make([]byte, room+PageSize), make([]byte, PageSize)
	for b.Loop() {
		if err := s.seal(out, plain, scratch, 2, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenPage(b *testing.B) {
	s := sealerOf(b, ring(1, 1))
	disk := sealed(b, s, 2, nil)
	buf, plain := make([]byte, room+PageSize), make([]byte, PageSize)
	for b.Loop() {
		copy(buf[room:], disk)
		if _, err := s.open(plain, buf, 2); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChecksum(b *testing.B) {
	page := text(2)
	sum := [2]uint32{}
	for b.Loop() {
		sum = checksum(sum, page)
	}
}
