package vfs

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"chatets/appliance/secret"
)

// A page on the disk:
//
//	0     4048  ciphertext of what SQLite keeps in the page; page 1 begins with 24 clear bytes
//	4048     8  ciphertext of the checksum SQLite gave the frame; zeros outside of the log
//	4056    16  tag of AES-256-GCM; it covers the page number too, and in page 1 the clear bytes
//	4072    24  nonce of XAES-256-GCM: number of the data key (4), drawn for many pages (8), drawn for this one (12)
//
// A sub-key is derived from the first 12 bytes of the nonce and kept, so that a
// page costs one AES-GCM. All of the nonce but the number is drawn: a machine
// that is resumed twice from one snapshot does not repeat itself.
const (
	PageSize = 4096
	reserved = 48 // bytes of each page that SQLite leaves alone
	used     = PageSize - reserved
	sumSize  = 8
	tagAt    = used + sumSize
	nonceAt  = tagAt + 16
	seedSize = 12
	drawSize = 12
	room     = drawSize // in front of a page, where Go's GCM wants its nonce

	clearSize = 24 // of page 1: size of a page, journal mode, reserved bytes
	// Magic are the first bytes of a sealed database, as many as SQLite's own.
	Magic = "ChatETS sealed1\x00"
	// PlainMagic are the first bytes of a database that is not sealed.
	PlainMagic = "SQLite format 3\x00"
	lockPage   = 0x40000000/PageSize + 1 // holds SQLite's locks; never written

	pagesPerSeed = 1 << 24
	maxKept      = 4096 // sub-keys
)

var (
	errChanged = errors.New("the page was changed, moved, or sealed with another key")
	errForm    = errors.New("the page is none of this database")
)

// NoKey is the failure of a page that is sealed with the data key of this number,
// which is not among the keys.
type NoKey uint32

// Error says which key is missing.
func (n NoKey) Error() string {
	return fmt.Sprintf("the page is sealed with data key %d, which is not there", uint32(n))
}

// seed is the part of a nonce that a sub-key is derived from.
type seed [seedSize]byte

func (s seed) number() uint32 { return binary.BigEndian.Uint32(s[:4]) }

// sealer seals and opens pages. It is safe for concurrent use.
type sealer struct {
	keys    secret.PageKeys
	mu      sync.RWMutex
	kept    map[seed]cipher.AEAD
	current atomic.Pointer[sown]
}

// sown is the seed in use.
type sown struct {
	seed seed
	aead cipher.AEAD
	left atomic.Int64
}

func newSealer(keys secret.PageKeys) (*sealer, error) {
	s := &sealer{keys: keys, kept: map[seed]cipher.AEAD{}}
	_, err := s.sow()
	return s, err
}

// sow draws another seed under the current key.
func (s *sealer) sow() (*sown, error) {
	number, _ := s.keys.Current()
	next := &sown{}
	if _, err := rand.Read(next.seed[4:]); err != nil {
		return nil, fmt.Errorf("draw a seed: %w", err)
	}
	binary.BigEndian.PutUint32(next.seed[:4], number)
	var err error
	if next.aead, err = s.aead(next.seed); err != nil {
		return nil, err
	}
	next.left.Store(pagesPerSeed)
	s.current.Store(next)
	return next, nil
}

// now is the seed for the next page.
func (s *sealer) now() (*sown, error) {
	c := s.current.Load()
	if number, _ := s.keys.Current(); c.seed.number() != number || c.left.Add(-1) < 0 {
		return s.sow()
	}
	return c, nil
}

// aead is the cipher of a seed.
func (s *sealer) aead(of seed) (cipher.AEAD, error) {
	s.mu.RLock()
	a := s.kept[of]
	s.mu.RUnlock()
	if a != nil {
		return a, nil
	}
	key, found := s.keys.Key(of.number())
	if !found {
		return nil, NoKey(of.number())
	}
	a, err := derive(key, of)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if len(s.kept) >= maxKept {
		clear(s.kept)
	}
	s.kept[of] = a
	s.mu.Unlock()
	return a, nil
}

// forget drops the sub-keys: a key that was taken away opens nothing from then on.
func (s *sealer) forget() {
	s.mu.Lock()
	clear(s.kept)
	s.mu.Unlock()
}

// derive is the key derivation of XAES-256-GCM (C2SP): two blocks of CMAC.
func derive(key []byte, of seed) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("a page key of %d bytes: %w", len(key), err)
	}
	var k1 [aes.BlockSize]byte
	block.Encrypt(k1[:], k1[:])
	carry := byte(0)
	for i := len(k1) - 1; i >= 0; i-- {
		carry, k1[i] = k1[i]>>7, k1[i]<<1|carry
	}
	k1[len(k1)-1] ^= carry * 0x87
	sub := make([]byte, 0, 32)
	for i := byte(1); i <= 2; i++ {
		var m [aes.BlockSize]byte
		copy(m[:], []byte{0, i, 'X', 0})
		copy(m[4:], of[:])
		for j := range m {
			m[j] ^= k1[j]
		}
		block.Encrypt(m[:], m[:])
		sub = append(sub, m[:]...)
	}
	inner, err := aes.NewCipher(sub)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(inner)
}

// bound is what a page's tag covers beside its text.
func bound(buf *[4 + clearSize]byte, page uint32, head []byte) []byte {
	binary.BigEndian.PutUint32(buf[:], page)
	if page != 1 {
		return buf[:4]
	}
	copy(buf[4:], head[:clearSize])
	return buf[:]
}

// seal makes out[room:] the sealed form of a page of SQLite's. sum is the
// checksum of its frame, nil outside of the log; scratch has the size of a page.
func (s *sealer) seal(out, plain, scratch []byte, page uint32, sum []byte) error {
	for _, b := range plain[used:] {
		if b != 0 {
			return errForm // what the log's checksum covers would not come back
		}
	}
	start := 0
	var head [clearSize]byte
	if page == 1 {
		if string(plain[:len(PlainMagic)]) != PlainMagic || plain[20] != reserved {
			return errForm
		}
		start = clearSize
		copy(head[:], plain)
		copy(head[:], Magic)
	}
	c, err := s.now()
	if err != nil {
		return err
	}
	text := plain
	if sum != nil {
		copy(scratch, plain[:used])
		copy(scratch[used:], sum)
		text = scratch
	}
	var cover [4 + clearSize]byte
	// Nonce, text and tag; the nonce lands in front of the text.
	c.aead.Seal(out[start:start], nil, text[start:tagAt], bound(&cover, page, head[:]))
	sealed := out[room:]
	copy(sealed[nonceAt:], c.seed[:])
	copy(sealed[nonceAt+seedSize:], out[start:start+drawSize])
	copy(sealed, head[:start])
	return nil
}

// open writes to plain what seal was given; buf[room:] is the page of the disk
// and is spoiled. The checksum of the frame comes back too.
func (s *sealer) open(plain, buf []byte, page uint32) (sum [sumSize]byte, err error) {
	sealed := buf[room:]
	start := 0
	var head [clearSize]byte
	if page == 1 {
		if string(sealed[:len(Magic)]) != Magic {
			return sum, errForm
		}
		start = clearSize
		copy(head[:], sealed)
	}
	a, err := s.aead(seed(sealed[nonceAt : nonceAt+seedSize]))
	if err != nil {
		return sum, err
	}
	var cover [4 + clearSize]byte
	copy(buf[start:], sealed[nonceAt+seedSize:PageSize])
	if _, err := a.Open(plain[start:start], nil, buf[start:room+nonceAt], bound(&cover, page, head[:])); err != nil {
		return sum, errChanged
	}
	copy(sum[:], plain[used:])
	clear(plain[used:PageSize])
	if page == 1 {
		copy(plain, head[:])
		copy(plain, PlainMagic)
	}
	return sum, nil
}

// numberOf is the number of the key that a page of the disk is sealed with.
func numberOf(sealed []byte) uint32 { return binary.BigEndian.Uint32(sealed[nonceAt:]) }

// sealBytes seals a record of a journal; place is where it belongs.
func (s *sealer) sealBytes(plain, place []byte) ([]byte, error) {
	c, err := s.now()
	if err != nil {
		return nil, err
	}
	return c.aead.Seal(c.seed[:len(c.seed):len(c.seed)], nil, plain, place), nil
}

func (s *sealer) openBytes(sealed, place []byte) ([]byte, error) {
	if len(sealed) < seedSize {
		return nil, errForm
	}
	a, err := s.aead(seed(sealed[:seedSize]))
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, sealed[seedSize:], place)
	if err != nil {
		return nil, errChanged
	}
	return plain, nil
}
