package secret

import (
	"errors"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// SealStream encrypts what is written to the result into w, with Tink's
// streaming AES256-GCM-HKDF. Only Close makes it whole; a stream without it
// does not open. w stays open.
func (k *Keyring) SealStream(purpose string, w io.Writer, aad []byte) (io.WriteCloser, error) {
	r := k.ring.Load()
	s, err := stream(derive(r.keys[r.current], purpose))
	if err != nil {
		return nil, fmt.Errorf("seal a stream: %w", err)
	}
	if _, err := w.Write(head(r.current)); err != nil {
		return nil, fmt.Errorf("seal a stream: %w", err)
	}
	return s.NewEncryptingWriter(w, aad)
}

// OpenStream decrypts what SealStream made while it is read. A changed, cut or
// foreign stream ends in ErrSealed before a wrong byte is given out; what stood
// before the change has been given by then. Errors of r come as they are.
func (k *Keyring) OpenStream(purpose string, r io.Reader, aad []byte) (io.Reader, error) {
	return k.open(r, aad, purpose, func([]byte) []byte { return nil })
}

// open reads the head of a stream and goes on with its key: a data key under a
// purpose, or what scoped gives for the head.
func (k *Keyring) open(r io.Reader, aad []byte, purpose string, scoped func(head []byte) []byte) (io.Reader, error) {
	o := &opened{source: r}
	first := make([]byte, HeadSize)
	if _, err := io.ReadFull(o.watched(), first[:1]); err != nil {
		return nil, o.failure()
	}
	if first[0] != formFirst {
		if _, err := io.ReadFull(o.watched(), first[1:]); err != nil {
			return nil, o.failure()
		}
	}
	key := scoped(first)
	if data := k.ring.Load().keys[NumberOf(first)]; data != nil {
		key = derive(data, purpose)
	}
	if key == nil {
		return nil, o.failure()
	}
	s, err := stream(key)
	if err != nil {
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	if o.plain, err = s.NewDecryptingReader(o.watched(), aad); err != nil {
		return nil, o.failure()
	}
	return o, nil
}

func stream(key []byte) (*subtle.AESGCMHKDF, error) {
	return subtle.NewAESGCMHKDF(key, "SHA256", Size, segment, 0)
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
