package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// row is one row of the record as it is stored.
type row struct {
	number     int64
	time       int64 // milliseconds UTC
	act        string
	objectKind string
	object     string
	outcome    string
	actor      string
	actorKind  string
	uid        int64
	address    string
	workspace  string
	request    string
	detail     string // JSON
	hash       []byte
}

// head is the end of the chain; the zero head is a record without rows.
type head struct {
	row  int64
	hash []byte
}

// chain computes and checks the keyed hashes. Rows and heads have keys of their
// own, so that no row can be passed off as a head.
type chain struct{ rows, heads []byte }

// encoding is the version of the canonical form below; a new form gets a new
// number, old rows keep theirs.
const encoding = "chatets audit 1"

// next is the keyed hash of r behind the row whose hash is previous. Every text
// is preceded by its length, so that moving a letter from one column to the next
// changes the hash.
func (c chain) next(previous []byte, r row) []byte {
	mac := hmac.New(sha256.New, c.rows)
	var form bytes.Buffer
	number := func(n int64) { form.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	text := func(s string) {
		number(int64(len(s)))
		form.WriteString(s)
	}
	text(encoding)
	text(string(previous))
	number(r.number)
	number(r.time)
	number(r.uid)
	for _, s := range []string{r.act, r.objectKind, r.object, r.outcome, r.actor, r.actorKind, r.address, r.workspace, r.request, r.detail} {
		text(s)
	}
	mac.Write(form.Bytes())
	return mac.Sum(nil)
}

// seal signs the end of the chain.
func (c chain) seal(h head) []byte {
	mac := hmac.New(sha256.New, c.heads)
	mac.Write(binary.BigEndian.AppendUint64([]byte(encoding), uint64(h.row)))
	mac.Write(h.hash)
	return mac.Sum(nil)
}

func (c chain) sealed(h head, seal []byte) bool { return hmac.Equal(c.seal(h), seal) }

func (r row) when() time.Time { return time.UnixMilli(r.time).UTC() }
