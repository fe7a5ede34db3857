//go:build clamav

package library_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"chatets/appliance/actor"
)

// TestRealClamd has a real clamd judge uploads, see scripts/rigs/clamav.sh.
func TestRealClamd(t *testing.T) {
	h := start(t)
	admin := h.person(t, "Adam", h.main, actor.Admin, actor.Admin)
	admin.must(t, "PUT /api/settings/scan.address", object("value", os.Getenv("CHATETS_TEST_CLAMD")), 200)
	admin.must(t, "GET /api/scanner", "", 200, `"state":"answers"`)
	base := admin.knowledge(t, "Files")
	packed := func(name, text string) string {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create(name)
		check(t, err)
		_, err = w.Write([]byte(text))
		check(t, err)
		check(t, z.Close())
		return b.String()
	}
	mail := "From: a@b.test\r\nSubject: Bill\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nSee the bill.\r\n--x\r\n" +
		"Content-Type: text/plain\r\nContent-Disposition: attachment; filename=bill.txt\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(eicar)) + "\r\n--x--\r\n"
	noise := make([]byte, 5<<20)
	for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < len(noise); i++ {
		noise[i] = "abcdefghijklmnopqrstuvwxyz \n"[r.IntN(28)]
	}
	for _, tt := range []struct{ name, body, state, code string }{
		{"clean.md", flanges, "ready", ""},
		{"eicar.txt", eicar, "quarantined", "document-quarantined"},
		{"packed.zip", packed("notes.txt", eicar), "quarantined", "document-quarantined"},
		{"twice.zip", packed("inner.zip", packed("notes.txt", eicar)), "quarantined", "document-quarantined"},
		{"mail.eml", mail, "quarantined", "document-quarantined"},
		{"clean.zip", packed("notes.txt", "A bilby sleeps."), "ready", ""},
		{"more than a stream.txt", string(noise), "failed", "scan-too-large"},
		{"more than a file.txt", string(noise[:5<<19]), "failed", "scan-too-large"},
	} {
		got := admin.settled(t, admin.must(t, upload(base, strings.ReplaceAll(tt.name, " ", "-")), tt.body, 202).get("id"))
		if got.get("state") != tt.state || got.get("code") != tt.code || tt.state == "quarantined" && !strings.Contains(got.get("finding"), "ChatETS.Test.EICAR") {
			t.Errorf("%s: got %s", tt.name, got.body)
		}
	}
	admin.must(t, "POST /api/scanner/test", "x"+eicar, 200, `"clean":false`)
	// It stops answering, without being gone, and comes back.
	pid, err := strconv.Atoi(os.Getenv("CHATETS_TEST_CLAMD_PID"))
	check(t, err)
	check(t, syscall.Kill(pid, syscall.SIGSTOP))
	resumed := false
	defer func() {
		if !resumed {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	}()
	held := admin.must(t, upload(base, "held.md"), "# Held\n\nA bandicoot waits.\n", 202).get("id")
	admin.waits(t, held)
	admin.must(t, "GET /api/scanner", "", 200, `"state":"silent"`)
	check(t, syscall.Kill(pid, syscall.SIGCONT))
	resumed = true
	admin.must(t, "GET /api/scanner", "", 200, `"state":"answers"`)
	if got := admin.settled(t, held); got.get("state") != "ready" || got.get("verdict") != "clean" {
		t.Errorf("got %s", got.body)
	}
}
