// Package secret holds the master key and what is derived from it: sub-keys by
// purpose, sealed values, sealed streams.
//
// What a newcomer gets wrong: the master key itself never leaves this package.
// Ask for a purpose ("audit", "blob"), and seal with additional data that names
// the place a value belongs to, so that it cannot be moved to another.
package secret

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/xaesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Size is the length of the master key and of every sub-key, in bytes.
const Size = 32

const (
	// segment is the unit a sealed stream is written and checked in, in bytes.
	segment = 64 << 10
	// form is the first byte of everything sealed; another way to seal gets
	// another number, and what lies on disks stays readable.
	form = 1
)

// ErrSealed is returned for sealed data that was changed, cut, moved or sealed
// with another key.
var ErrSealed = errors.New("sealed data cannot be opened")

// Keyring is an opened master key. It is safe for concurrent use.
type Keyring struct {
	master []byte
	aeads  sync.Map // purpose -> tink.AEAD; purposes are few and fixed
}

// New returns the keyring of a master key of Size bytes.
func New(master []byte) (*Keyring, error) {
	if len(master) != Size {
		return nil, fmt.Errorf("a master key has %d bytes, not %d", Size, len(master))
	}
	return &Keyring{master: append([]byte(nil), master...)}, nil
}

// Sub is the key of a purpose: Size bytes by HKDF-SHA-256, always the same.
func (k *Keyring) Sub(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k.master, nil, "chatets/v1/"+purpose, Size)
	if err != nil {
		// Only a length over 255 hashes fails, and Size is fixed.
		panic(err)
	}
	return key
}

// Seal encrypts a small value with XAES-256-GCM under the purpose's key. The
// same aad is needed to open it.
func (k *Keyring) Seal(purpose string, plain, aad []byte) ([]byte, error) {
	a, err := k.aead(purpose)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	sealed, err := a.Encrypt(plain, aad)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return append([]byte{form}, sealed...), nil
}

// Open decrypts what Seal made; anything else is ErrSealed.
func (k *Keyring) Open(purpose string, sealed, aad []byte) ([]byte, error) {
	a, err := k.aead(purpose)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if len(sealed) == 0 || sealed[0] != form {
		return nil, ErrSealed
	}
	plain, err := a.Decrypt(sealed[1:], aad)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func (k *Keyring) aead(purpose string) (tink.AEAD, error) {
	if a, found := k.aeads.Load(purpose); found {
		return a.(tink.AEAD), nil
	}
	parameters, err := xaesgcm.NewParameters(xaesgcm.VariantNoPrefix, 12)
	if err != nil {
		return nil, err
	}
	key, err := xaesgcm.NewKey(secretdata.NewBytesFromData(k.Sub(purpose), insecuresecretdataaccess.Token{}), 0, parameters)
	if err != nil {
		return nil, err
	}
	manager := keyset.NewManager()
	id, err := manager.AddKey(key)
	if err != nil {
		return nil, err
	}
	if err := manager.SetPrimary(id); err != nil {
		return nil, err
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, err
	}
	a, err := aead.New(handle)
	if err != nil {
		return nil, err
	}
	k.aeads.Store(purpose, a)
	return a, nil
}

// SealStream encrypts what is written to the result into w, with Tink's
// streaming AES256-GCM-HKDF. Only Close makes it whole; a stream without it
// does not open. w stays open.
func (k *Keyring) SealStream(purpose string, w io.Writer, aad []byte) (io.WriteCloser, error) {
	s, err := k.stream(purpose)
	if err != nil {
		return nil, fmt.Errorf("seal a stream: %w", err)
	}
	if _, err := w.Write([]byte{form}); err != nil {
		return nil, fmt.Errorf("seal a stream: %w", err)
	}
	return s.NewEncryptingWriter(w, aad)
}

// OpenStream decrypts what SealStream made while it is read. A changed, cut or
// foreign stream ends in ErrSealed before a wrong byte is given out; what stood
// before the change has been given by then. Errors of r come as they are.
func (k *Keyring) OpenStream(purpose string, r io.Reader, aad []byte) (io.Reader, error) {
	s, err := k.stream(purpose)
	if err != nil {
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	o := &opened{source: r}
	var first [1]byte
	if _, err := io.ReadFull(o.watched(), first[:]); err != nil || first[0] != form {
		return nil, o.failure()
	}
	if o.plain, err = s.NewDecryptingReader(o.watched(), aad); err != nil {
		return nil, o.failure()
	}
	return o, nil
}

// opened tells the errors of its source from those of the sealing.
type opened struct {
	source io.Reader
	broken error // of source
	plain  io.Reader
}

func (o *opened) Read(p []byte) (int, error) {
	n, err := o.plain.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = o.failure()
	}
	return n, err
}

func (o *opened) failure() error {
	if o.broken != nil {
		return o.broken
	}
	return ErrSealed
}

// watched is the source, with its errors noted.
func (o *opened) watched() io.Reader {
	return reader(func(p []byte) (int, error) {
		n, err := o.source.Read(p)
		if err != nil && !errors.Is(err, io.EOF) {
			o.broken = err
		}
		return n, err
	})
}

type reader func([]byte) (int, error)

func (f reader) Read(p []byte) (int, error) { return f(p) }

func (k *Keyring) stream(purpose string) (*subtle.AESGCMHKDF, error) {
	return subtle.NewAESGCMHKDF(k.Sub(purpose), "SHA256", Size, segment, 0)
}
