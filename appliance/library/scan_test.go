package library_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/actor"
)

// eicar is the harmless text that every malware scanner finds, in two halves so
// that none finds it here.
const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

const finding = "Win.Test.EICAR_HDB-1"

// clamd is a scanner of the test's own with a temper.
type clamd struct {
	address string
	path    string

	mu     sync.Mutex
	temper string // "" well, "hangs", "dies" in the middle of a file, "deaf" to everything, "breaks" on files alone
	asked  int    // files
	ln     net.Listener
	open   []net.Conn
}

func startClamd(t testing.TB) *clamd {
	t.Helper()
	dir, err := os.MkdirTemp("", "clamd") // a test's own folder has too long a name for a socket
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &clamd{path: filepath.Join(dir, "s")}
	c.address = "clamd://" + c.path
	c.start(t)
	t.Cleanup(c.stop)
	return c
}

func (c *clamd) start(t testing.TB) {
	t.Helper()
	ln, err := net.Listen("unix", c.path)
	check(t, err)
	c.mu.Lock()
	c.ln = ln
	c.mu.Unlock()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			c.open = append(c.open, conn)
			c.mu.Unlock()
			go func() { defer conn.Close(); c.serve(conn) }()
		}
	}()
}

func (c *clamd) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.ln.Close()
	for _, conn := range c.open {
		_ = conn.Close()
	}
	c.open = nil
}

func (c *clamd) be(temper string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.temper = temper
}

func (c *clamd) files() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

func (c *clamd) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	command, err := in.ReadString(0)
	c.mu.Lock()
	temper := c.temper
	if command == "zINSTREAM\x00" {
		c.asked++
	}
	c.mu.Unlock()
	switch {
	case err != nil:
		return
	case temper == "deaf":
		_, _ = io.Copy(io.Discard, conn)
		return
	case command == "zPING\x00":
		_, _ = io.WriteString(conn, "PONG\x00")
		return
	case temper == "dies":
		_, _ = in.Discard(8)
		_ = conn.Close()
		return
	}
	var file []byte
	for {
		var n uint32
		if binary.Read(in, binary.BigEndian, &n) != nil {
			return
		}
		if n == 0 {
			break
		}
		if len(file)+int(n) > 100_000 {
			_, _ = io.WriteString(conn, "INSTREAM size limit exceeded. ERROR\x00")
			return
		}
		piece := make([]byte, n)
		if _, err := io.ReadFull(in, piece); err != nil {
			return
		}
		file = append(file, piece...)
	}
	switch {
	case temper == "hangs":
		_, _ = io.Copy(io.Discard, conn)
	case temper == "breaks":
		_, _ = io.WriteString(conn, "stream: Can't allocate memory ERROR\x00")
	case bytes.Contains(file, []byte(eicar)):
		_, _ = io.WriteString(conn, "stream: "+finding+" FOUND\x00")
	case bytes.Contains(file, []byte("over the limit")):
		_, _ = io.WriteString(conn, "stream: Heuristics.Limits.Exceeded.MaxScanSize FOUND\x00")
	default:
		_, _ = io.WriteString(conn, "stream: OK\x00")
	}
}

// scanned is a house with a scanner, its administrator, and a member with a base.
func scanned(t *testing.T) (h *house, c *clamd, admin, alice *visitor, base string) {
	t.Helper()
	h, c = start(t), startClamd(t)
	admin = h.person(t, "Adam", h.main, actor.Admin, actor.Admin)
	alice = h.person(t, "Alice", h.main, actor.Member)
	admin.must(t, "PUT /api/settings/scan.address", object("value", c.address), 200)
	return h, c, admin, alice, alice.knowledge(t, "Files")
}

// waits waits until a document waits for the scanner.
func (v *visitor) waits(t testing.TB, id string) answer {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(3 * time.Millisecond) {
		got := v.must(t, "GET /api/documents/"+id, "", 200)
		if got.get("state") == "waiting" && got.get("code") == "scan-waiting" {
			return got
		}
		if time.Now().After(deadline) || got.get("state") == "ready" {
			t.Fatalf("the document does not wait: %s", got.body)
		}
	}
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	h, c, admin, alice, base := scanned(t)
	clean := alice.document(t, base, "clean.md", flanges)
	alice.must(t, "GET /api/documents/"+clean, "", 200, `"verdict":"clean"`)
	bad := alice.must(t, upload(base, "bad.md"), "# Bad\n\nwallaby "+eicar+"\n", 202).get("id")
	got := alice.settled(t, bad)
	if got.get("state") != "quarantined" || got.get("finding") != finding || got.get("verdict") != "found" || !strings.Contains(got.get("reason"), finding) || !strings.Contains(got.get("cure"), "administrator") {
		t.Fatalf("got %s", got.body)
	}
	// It is not found, not opened, not given out, not read again and not deleted by people who added it.
	if found := alice.search(t, "wallaby"); len(found) != 0 {
		t.Errorf("found %v", found)
	}
	for _, route := range []string{"GET /api/documents/" + bad + "/file", "GET /api/documents/" + bad + "/content", "POST /api/documents/" + bad + "/retry", "DELETE /api/documents/" + bad} {
		for _, who := range []*visitor{alice, admin} {
			if got := who.ask(t, route, ""); got.status != 409 && who == alice || got.status < 400 || strings.Contains(got.body, "EICAR-") {
				t.Errorf("%s: got %d %s", route, got.status, got.body)
			}
		}
	}
	if n := h.count(t, `SELECT count(*) FROM chunk WHERE document = ?`, bad); n != 0 {
		t.Errorf("%d chunks of it", n)
	}
	// The same file again is the same document; under another name it is caught again.
	if again := alice.must(t, upload(base, "bad.md"), "# Bad\n\nwallaby "+eicar+"\n", 202); again.get("id") != bad || again.get("state") != "quarantined" {
		t.Errorf("got %s", again.body)
	}
	second := alice.must(t, upload(base, "second.md"), "# Bad\n\nwallaby "+eicar+"\n", 202).get("id")
	if got := alice.settled(t, second); got.get("state") != "quarantined" {
		t.Errorf("got %s", got.body)
	}
	// Lists and counts.
	if list := alice.must(t, "GET /api/documents?knowledge="+base+"&state=quarantined", "", 200, bad, second); strings.Contains(list.body, clean) {
		t.Errorf("got %s", list.body)
	}
	alice.must(t, "GET /api/documents?knowledge="+base+"&state=lost", "", 422)
	admin.must(t, "GET /api/scanner", "", 200, `"state":"answers"`, `"quarantined":2`, `"waiting":0`, c.address)
	alice.must(t, "GET /api/scanner", "", 403)
	admin.must(t, "GET /api/quarantine", "", 200, bad, second, `"knowledge":"Files"`, finding)
	first := admin.must(t, "GET /api/quarantine?limit=1", "", 200, second)
	if rest := admin.must(t, "GET /api/quarantine?limit=1&cursor="+first.get("next"), "", 200, bad); strings.Contains(rest.body, second) || rest.get("next") != "" {
		t.Errorf("got %s", rest.body)
	}
	// Who may decide.
	stranger := h.person(t, "Sam", h.second(t), actor.Admin)
	reason := object("reason", "test-file", "reference", "INC-4711")
	for _, tt := range []struct {
		who    *visitor
		route  string
		status int
	}{
		{alice, "GET /api/quarantine", 403}, {alice, "POST /api/quarantine/" + bad + "/release", 403}, {alice, "DELETE /api/quarantine/" + bad + "?reason=malware", 403},
		{stranger, "POST /api/quarantine/" + bad + "/release", 404}, {stranger, "DELETE /api/quarantine/" + bad + "?reason=malware", 404},
		{admin, "POST /api/quarantine/" + clean + "/release", 409}, {admin, "DELETE /api/quarantine/" + clean + "?reason=malware", 409},
		{admin, "DELETE /api/quarantine/" + bad, 422}, {admin, "DELETE /api/quarantine/" + bad + "?reason=because", 422},
		{admin, "DELETE /api/quarantine/" + bad + "?reason=malware&reference=Mr%20Smith", 422},
	} {
		body := ""
		if strings.HasPrefix(tt.route, "POST") {
			body = reason
		}
		if got := tt.who.ask(t, tt.route, body); got.status != tt.status {
			t.Errorf("%s: got %d, want %d: %s", tt.route, got.status, tt.status, got.body)
		}
	}
	if list := stranger.must(t, "GET /api/quarantine", "", 200); strings.Contains(list.body, bad) {
		t.Errorf("the quarantine of another workspace: %s", list.body)
	}
	admin.must(t, "POST /api/quarantine/"+bad+"/release", object("reason", "because"), 422)
	admin.must(t, "POST /api/quarantine/"+bad+"/release", reason, 202)
	if got := alice.settled(t, bad); got.get("state") != "ready" || got.get("verdict") != "released" {
		t.Errorf("released: %s", got.body)
	}
	alice.must(t, "GET /api/documents/"+bad+"/file", "", 200, "EICAR-")
	if found := alice.search(t, "wallaby"); len(found) != 1 {
		t.Errorf("found %v", found)
	}
	admin.must(t, "DELETE /api/quarantine/"+second+"?reason=malware", "", 204)
	alice.must(t, "GET /api/documents/"+second, "", 404)
	h.idle(t)
	if n := h.count(t, `SELECT count(*) FROM document WHERE id = ?`, second); n != 0 {
		t.Error("a deleted document stays")
	}
	for act, want := range map[string]int{"document.quarantine": 2, "quarantine.release": 3, "quarantine.delete": 3} { // with the refusals
		if got := h.recorded(t, act); len(got) != want {
			t.Errorf("%s: recorded %v", act, got)
		}
	}
	if n := h.count(t, `SELECT count(*) FROM audit WHERE act = 'quarantine.release' AND outcome = 'ok' AND detail LIKE '%EICAR_HDB%' AND detail LIKE '%test-file%' AND detail LIKE '%INC-4711%'`); n != 1 {
		t.Error("the record lacks why it was released")
	}
}

// TestNoVerdict has a scanner fail in each of its ways, under both policies.
func TestNoVerdict(t *testing.T) {
	t.Parallel()
	huge := "# Huge\n\n" + strings.Repeat("An emu walks over the field and looks at the fence. ", 3000) + "\n"
	small := "# Small\n\nA wombat digs a hole.\n"
	for _, tt := range []struct {
		name, temper, text string
		fails              string // code under hold; "" = the document waits
		note               string // under read
	}{
		{"dies in the middle", "dies", small, "", "did not answer"},
		{"hangs", "hangs", small, "", "did not answer"},
		{"is deaf", "deaf", small, "", "did not answer"},
		{"takes no file of this size", "", huge, "scan-too-large", "larger than the scanner takes"},
		{"looks at a part only", "", small + "over the limit\n", "scan-too-large", "larger than the scanner takes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, c, admin, alice, base := scanned(t)
			c.be(tt.temper)
			id := alice.must(t, upload(base, "a.md"), tt.text, 202).get("id")
			if tt.fails != "" {
				if got := alice.settled(t, id); got.get("state") != "failed" || got.get("code") != tt.fails || got.get("cure") == "" {
					t.Errorf("got %s", got.body)
				}
				alice.must(t, "GET /api/documents/"+id+"/file", "", 409, "document-not-scanned")
			} else {
				if got := alice.waits(t, id); !strings.Contains(got.get("reason"), "scanner does not answer") || got.get("cure") == "" {
					t.Errorf("got %s", got.body)
				}
				admin.must(t, "GET /api/scanner", "", 200, `"waiting":1`)
				alice.must(t, "GET /api/documents/"+id+"/file", "", 409, "document-not-scanned")
				alice.must(t, "GET /api/documents/"+id+"/content", "", 409, "document-not-ready")
			}
			admin.must(t, "PUT /api/settings/scan.unjudged", object("value", "read"), 200)
			again := alice.must(t, upload(base, "b.md"), tt.text, 202).get("id")
			if got := alice.settled(t, again); got.get("state") != "ready" || got.get("verdict") != "unjudged" || !strings.Contains(got.get("note"), tt.note) {
				t.Errorf("under read: %s", got.body)
			}
			alice.must(t, "GET /api/documents/"+again+"/file", "", 200)
		})
	}
}

// TestScannerComesBack wants documents that wait to be read at once when the
// scanner answers again, and caught where there is something in them.
func TestScannerComesBack(t *testing.T) {
	t.Parallel()
	h, c, admin, alice, base := scanned(t)
	c.stop()
	good := alice.must(t, upload(base, "good.md"), flanges, 202).get("id")
	bad := alice.must(t, upload(base, "bad.md"), "# Bad\n\n"+eicar+"\n", 202).get("id")
	stopped := alice.must(t, upload(base, "stopped.md"), "# Stopped\n\nA quokka.\n", 202).get("id")
	for _, id := range []string{good, bad, stopped} {
		alice.waits(t, id)
	}
	admin.must(t, "GET /api/scanner", "", 200, `"state":"silent"`, `"since":"`, `"waiting":3`, "Check that it runs")
	if !h.library.Silent() {
		t.Error("the figure for the monitor says that it answers")
	}
	alice.must(t, "POST /api/documents/"+stopped+"/cancel", "", 202)
	if got := alice.settled(t, stopped); got.get("state") != "failed" || got.get("code") != "stopped" {
		t.Errorf("cancelled: %s", got.body)
	}
	_ = os.Remove(c.path)
	c.start(t)
	admin.must(t, "GET /api/scanner", "", 200, `"state":"answers"`) // which is what wakes them
	if got := alice.settled(t, good); got.get("state") != "ready" || got.get("verdict") != "clean" || got.get("reason") != "" || got.get("code") != "" {
		t.Errorf("got %s", got.body)
	}
	if got := alice.settled(t, bad); got.get("state") != "quarantined" {
		t.Errorf("got %s", got.body)
	}
	// Without a scanner nothing waits.
	c.stop()
	held := alice.must(t, upload(base, "held.md"), "# Held\n\nA numbat.\n", 202).get("id")
	alice.waits(t, held)
	admin.must(t, "PUT /api/settings/scan.address", object("value", ""), 200)
	if got := alice.settled(t, held); got.get("state") != "ready" || got.get("verdict") != "" {
		t.Errorf("got %s", got.body)
	}
	admin.must(t, "GET /api/scanner", "", 200, `"state":"off"`)
}

// TestOneFileBreaksIt wants a file that the scanner never judges not to wait for
// ever, and nobody else to wait for it.
func TestOneFileBreaksIt(t *testing.T) {
	t.Parallel()
	h, c, _, alice, base := scanned(t)
	c.be("breaks")
	id := alice.must(t, upload(base, "a.md"), flanges, 202).get("id")
	alice.waits(t, id)
	if h.library.Silent() {
		t.Error("one file makes the scanner count as silent")
	}
	for range 8 {
		h.idle(t)
		check(t, h.queue.Hasten(t.Context(), "library.ingest"))
	}
	if got := alice.settled(t, id); got.get("state") != "failed" || got.get("code") != "scan-failed" || !strings.Contains(got.get("reason"), "no verdict on this file") {
		t.Errorf("got %s", got.body)
	}
	if n := c.files(); n != 5 {
		t.Errorf("it was asked %d times", n)
	}
}

func TestScannerSettings(t *testing.T) {
	t.Parallel()
	h, c, admin, alice, _ := scanned(t)
	for _, address := range []string{"run/clamav.ctl", "clamd://", "http://av.example", "icap://u:p@av.example/x", "clamd://av.example:99999", "clamd://av_\u00e9.example:1"} {
		admin.must(t, "PUT /api/settings/scan.address", object("value", address), 422)
	}
	admin.must(t, "PUT /api/settings/scan.unjudged", object("value", "perhaps"), 422, "hold or read")
	alice.must(t, "PUT /api/settings/scan.address", object("value", ""), 403)
	alice.must(t, "POST /api/scanner/test", "hello", 403)
	admin.must(t, "POST /api/scanner/test", "hello", 200, `"clean":true`)
	admin.must(t, "POST /api/scanner/test", "x "+eicar, 200, `"clean":false`, finding)
	admin.must(t, "POST /api/scanner/test", strings.Repeat("x", 200_000), 413, "scan-too-large")
	c.be("deaf")
	admin.must(t, "POST /api/scanner/test", "hello", 503, "scan-failed")
	c.be("")
	// The gate lets out to the scanner that is set, and to it only.
	rules := func() (list []string) {
		for _, r := range h.gate.Rules() {
			list = append(list, r.Purpose+" "+r.Host)
		}
		return list
	}
	if got := rules(); len(got) != 0 {
		t.Errorf("for a socket: %v", got)
	}
	admin.must(t, "PUT /api/settings/scan.address", object("value", "icap://av.house.test:1345/avscan"), 200)
	if got := rules(); len(got) != 1 || got[0] != "scan av.house.test" {
		t.Errorf("got %v", got)
	}
	admin.must(t, "PUT /api/settings/scan.address", object("value", ""), 200)
	if got := rules(); len(got) != 0 {
		t.Errorf("after it was taken away: %v", got)
	}
	admin.must(t, "POST /api/scanner/test", "hello", 409, "scan-off")
}
