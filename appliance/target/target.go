// Package target is a place outside of the machine that backups and replicas are
// written to: a directory, an S3 bucket or a folder on an SFTP server, all with
// the same few operations and the same promises.
//
// What a newcomer gets wrong: nothing here is secret and nothing is trusted.
// What is written is sealed before it comes here, what is read is checked after
// it left, and a name is written once: a target may have no right to replace or
// delete anything, so whoever writes chooses a new name instead.
package target

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"time"

	"chatets/appliance/egress"
	"chatets/appliance/fault"
)

// The answers of a target that its callers act upon.
var (
	// ErrExists is returned by PutIfAbsent when the name is taken.
	ErrExists = errors.New("the name is taken")
	// ErrNotFound is returned by Get for a name that is not there.
	ErrNotFound = errors.New("there is nothing of that name")
	// ErrNoDelete is returned by Delete where the target lets us delete nothing.
	ErrNoDelete = errors.New("the target lets nothing be deleted")
)

// Object is one entry of a listing.
type Object struct {
	Name string // below the target's own place, with slashes
	Size int64
}

// Target is a place for files. Names are relative, with slashes, of letters,
// digits and "._-". It is safe for concurrent use.
type Target interface {
	// Put writes size bytes of r under the name and returns once they are there
	// to stay and were checked; a failure leaves nothing under the name. Where r
	// is an io.Seeker a failed attempt is repeated from its place.
	Put(ctx context.Context, name string, r io.Reader, size int64) error
	// PutIfAbsent writes a small file; of two who try the same name at the same
	// time one gets ErrExists.
	PutIfAbsent(ctx context.Context, name string, data []byte) error
	// Get reads length bytes from offset; a negative length reads to the end. A
	// body that ends early is an error, never a short file.
	Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
	// List names what begins with prefix and comes after the name, in the order
	// of their bytes.
	List(ctx context.Context, prefix, after string) iter.Seq2[Object, error]
	// Delete removes a file; one that is not there is no error.
	Delete(ctx context.Context, name string) error
	// String is the target's address without its secrets.
	String() string
	// Close gives connections back.
	Close() error
}

// Config is what a target is opened with.
type Config struct {
	URL     string // file:///path, s3://bucket/prefix?endpoint=…&region=…, sftp://user@host:port/path
	Secret  string // S3: "access key:secret key"; SFTP: a password or a private key in PEM; directory: none
	CAs     []byte // PEM certificates of an S3 endpoint, beside the system's
	HostKey string // SFTP: the server's key as one line of an authorized_keys file
	Purpose string // of the egress rules that let the target be reached
	Gate    *egress.Gate
	// Fresh lets a directory be one that no target was ever made in.
	Fresh bool

	Rate  int64            // bytes a second in each direction, 0 = no limit
	Tries int              // attempts of one operation, 0 = 5
	Pause time.Duration    // before the second attempt, doubled for each more; 0 = 200 ms
	Stall time.Duration    // how long a transfer may stand still, 0 = 30 s
	Log   *slog.Logger     // nil discards
	Now   func() time.Time // nil = time.Now
}

// Open opens a target. It connects to nothing yet.
func Open(c Config) (Target, error) {
	a, err := Parse(c.URL)
	if err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	var inner Target
	switch a.Kind {
	case Directory:
		inner = &directory{root: a.Path, fresh: c.Fresh}
	case S3:
		if inner, err = openS3(a, c); err != nil {
			return nil, err
		}
	case SFTP:
		if inner, err = openSFTP(a, c); err != nil {
			return nil, err
		}
	}
	return steady(inner, c), nil
}

// away is a target that cannot be reached now.
func away(where string, cause error) error {
	return fault.New(fault.Unavailable, "The backup target %s cannot be reached.", where).Code("target-away").
		Cure("Check that it runs, is mounted or connected, and that its address is right; what waits is sent as soon as it is back.").Because(cause)
}

// refused is a target that knows us and does not let us.
func refused(where string, cause error) error {
	return fault.New(fault.Forbidden, "The backup target %s refuses access.", where).Code("target-refused").
		Cure("Check its key or password, and that it may list, read and write there.").Because(cause)
}

// full is a target without space.
func full(where string, cause error) error {
	return fault.New(fault.Full, "The backup target %s is full.", where).Code("target-full").
		Cure("Make space there, or let backups be kept for a shorter time; what waits is sent as soon as there is space.").Because(cause)
}

// cut is a body that ended before its length.
func cut(where string, cause error) error {
	return fault.New(fault.Unavailable, "The backup target %s broke a transfer off.", where).Code("target-cut").
		Cure("It is repeated by itself; if it stays so, look at the connection and at the server's log.").Because(cause)
}

// validName keeps names from leaving the target's place.
func validName(name string) bool {
	if name == "" || len(name) > 512 {
		return false
	}
	start := true
	for i := range len(name) {
		b := name[i]
		switch {
		case b == '/':
			if start || i == len(name)-1 {
				return false
			}
			start = true
			continue
		case b == '.':
			if start {
				return false // hidden files are the target's own, and ".." leaves it
			}
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '-', b == '_':
		default:
			return false
		}
		start = false
	}
	return true
}

func badName(name string) error { return errors.New("no name of a target: " + name) }
