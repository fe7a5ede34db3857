package appliance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance"
	"chatets/appliance/config"
	"chatets/appliance/egress"
	"chatets/appliance/target"
)

// mostLost is what may be lost with the whole machine.
const mostLost = 2 * time.Second

// copyPlace is a backup target of a test, as an administrator adds it and as the
// restore opens it.
type copyPlace struct {
	url, secret, ca string
	folder          string // on this machine, "" where it cannot be looked into
}

// places are a directory and, where the rigs run, real servers.
func places(t *testing.T) map[string]copyPlace {
	t.Helper()
	unique := strconv.FormatInt(time.Now().UnixNano(), 36)
	folder := filepath.Join(t.TempDir(), "copy")
	all := map[string]copyPlace{"directory": {url: "file://" + folder, folder: folder}}
	read := func(variable string) string {
		text, err := os.ReadFile(os.Getenv(variable))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if url := os.Getenv("CHATETS_RIG_S3"); url != "" {
		all["versitygw"] = copyPlace{url: strings.Replace(url, "?", "/"+unique+"?", 1), secret: os.Getenv("CHATETS_RIG_S3_SECRET"), ca: read("CHATETS_RIG_S3_CA")}
	}
	if url := os.Getenv("CHATETS_RIG_SFTP"); url != "" {
		a, err := target.Parse(url + "/" + unique)
		if err != nil {
			t.Fatal(err)
		}
		all["openssh"] = copyPlace{url: url + "/" + unique, secret: read("CHATETS_RIG_SFTP_KEY"), folder: a.Path}
	}
	return all
}

// add makes the place a target through the routes, as the command does.
func (p copyPlace) add(t *testing.T, v *visitor) (hostKey string) {
	t.Helper()
	in := map[string]any{"name": "Copy", "url": p.url, "secret": p.secret, "ca": p.ca}
	if strings.HasPrefix(p.url, "sftp:") {
		body, _ := json.Marshal(map[string]string{"url": p.url})
		hostKey = v.must(t, "POST", "/api/backup/targets/host-key", string(body), 200).get("hostKey")
		in["hostKey"] = hostKey
	}
	body, _ := json.Marshal(in)
	v.must(t, "POST", "/api/backup/targets", string(body), 201)
	return hostKey
}

// open is the place for somebody who has nothing but its address and secret.
func (p copyPlace) open(t *testing.T, hostKey string) target.Target {
	t.Helper()
	a, err := target.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	c := target.Config{URL: p.url, Secret: p.secret, CAs: []byte(p.ca), HostKey: hostKey, Purpose: "restore"}
	if server := a.Server(); server != "" {
		host, port, _ := net.SplitHostPort(server)
		n, _ := strconv.Atoi(port)
		if c.Gate, err = egress.New(egress.Config{Rules: []egress.Rule{{Purpose: "restore", Host: host, Port: n}}}); err != nil {
			t.Fatal(err)
		}
	}
	opened, err := target.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

// current waits until the only target has everything.
func current(t *testing.T, v *visitor) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := v.must(t, "GET", "/api/backup/targets", "", 200)
		if got.get("items", "0", "state") == "current" && got.get("items", "0", "behindMs") == "0" && got.get("items", "0", "filesWaiting") == "0" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the target is not current: %s", got.body)
		}
	}
}

// accepted is what the service said yes to, and when.
type accepted struct {
	sync.Mutex
	words map[string]string // document -> its word
	times map[string]time.Time
}

func (a *accepted) load(t *testing.T, v *visitor, knowledge string, stop <-chan struct{}) {
	t.Helper()
	var people sync.WaitGroup
	for n := range 3 {
		people.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				word := fmt.Sprintf("marmalade%dx%d", n, i)
				got, err := v.send("POST", "/api/documents?knowledge="+knowledge+"&name="+word+".md", "text/markdown", "# Page\n\nThe word of this page is "+word+".\n")
				if err != nil {
					return
				}
				if got.status == http.StatusAccepted {
					a.Lock()
					a.words[got.id()], a.times[got.id()] = word, time.Now()
					a.Unlock()
				}
			}
		})
	}
	people.Wait()
}

// TestLossOfEverything kills the service under load, deletes its whole data
// directory, and restores it from the target alone: at most two seconds are lost,
// and the restored service goes on with the same target.
func TestLossOfEverything(t *testing.T) {
	t.Parallel()
	for name, p := range places(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			child, h := spawn(t, dir)
			owner := h.setUp(t)
			knowledge := owner.must(t, "POST", "/api/knowledge", `{"name":"Load"}`, 201).id()
			hostKey := p.add(t, owner)
			current(t, owner)

			all := &accepted{words: map[string]string{}, times: map[string]time.Time{}}
			stop := make(chan struct{})
			var load sync.WaitGroup
			load.Go(func() { all.load(t, owner, knowledge, stop) })
			time.Sleep(4 * time.Second) // of load; the moment of the loss is the point of this test
			died := time.Now()
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait()
			close(stop)
			load.Wait()
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}

			cfg, err := config.Load(map[string]string{"data": dir}, nil)
			if err != nil {
				t.Fatal(err)
			}
			access := appliance.Access{URL: p.url, Secret: p.secret, CA: p.ca, HostKey: hostKey}
			restored, err := appliance.Restore(t.Context(), appliance.RestoreOrder{Config: cfg, From: appliance.FromTarget(access, time.Time{}, false), Version: "test"})
			if err != nil {
				t.Fatalf("restore: %v", err)
			}
			child, h = spawn(t, dir)
			t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
			owner.house = h
			owner.signIn(t)
			lost, behind, oldest := 0, 0, time.Duration(0)
			for id, word := range all.words {
				got := owner.ask(t, "GET", "/api/documents/"+id, "", "")
				if got.status == http.StatusNotFound {
					lost++
					oldest = max(oldest, died.Sub(all.times[id]))
					continue
				}
				if got.get("name") != word+".md" {
					t.Errorf("document %s came back as %s", id, got.body)
				}
				state := owner.must(t, "GET", "/api/documents/"+id, "", 200)
				for deadline := time.Now().Add(time.Minute); state.get("state") != "ready" && state.get("code") != "file-missing" && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
					state = owner.must(t, "GET", "/api/documents/"+id, "", 200)
				}
				if state.get("code") == "file-missing" && !strings.HasPrefix(p.url, "file:") { // its file was not waited for
					behind++
					continue
				}
				if file := owner.ask(t, "GET", "/api/documents/"+id+"/file", "", ""); file.status != 200 || !strings.Contains(file.body, word) {
					t.Errorf("the file of document %s: %d %s", id, file.status, file.body)
				}
			}
			if oldest > mostLost {
				t.Errorf("%d of %d documents are lost, the oldest acknowledged %v before the loss", lost, len(all.words), oldest)
			}
			if len(all.words) < 10 {
				t.Errorf("only %d documents were accepted", len(all.words))
			}
			if got := owner.must(t, "POST", "/api/audit/verify", "", 200); got.get("ok") != "true" {
				t.Errorf("the audit chain is broken: %s", got.body)
			}
			t.Logf("%d documents, %d lost, %d without their file, the oldest acknowledged %v before the loss; restored in %v", len(all.words), lost, behind, oldest.Round(time.Millisecond), restored.Took.Round(time.Millisecond))

			owner.upload(t, knowledge, "after.md", "# After\n\nThe service goes on as the marmalade master.\n")
			current(t, owner)
			if got := owner.must(t, "GET", "/api/backup/targets", "", 200); got.get("items", "0", "generation") != "2" {
				t.Errorf("the restored service is not the next generation: %s", got.body)
			}
			if got := owner.must(t, "GET", "/metrics", "", 200); !strings.Contains(got.body, `chatets_backup_lag_seconds{target="Copy"} 0`) {
				t.Error("the lag is not among the figures")
			}
			unreadable(t, p.folder)
		})
	}
}

// unreadable looks for a word of the documents in every file below a folder.
func unreadable(t *testing.T, folder string) {
	t.Helper()
	if folder == "" {
		return
	}
	files := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		for _, word := range []string{"marmalade", "SQLite format", "owner@house.test", "Olga"} {
			if bytes.Contains(text, []byte(word)) || strings.Contains(path, word) {
				t.Errorf("%s shows %q", path, word)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}
