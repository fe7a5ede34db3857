package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"testing"
)

// Resum gives a changed keys.json the checksum that fits.
func Resum(t *testing.T, text []byte) []byte {
	t.Helper()
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	var err error
	if d.Sum, err = d.sum(); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(d); err != nil {
		t.Fatal(err)
	}
	return text
}

// Forms are the ways in which bytes may stand in a file.
func Forms(b []byte) [][]byte {
	return [][]byte{b, []byte(hex.EncodeToString(b)), []byte(base64.StdEncoding.EncodeToString(b)), []byte(base64.RawURLEncoding.EncodeToString(b))}
}

// WriteRecovery writes a recovery key as people read it.
func WriteRecovery(seed []byte) string { return writeRecovery(seed) }
