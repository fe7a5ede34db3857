package appliance_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance"
	"chatets/appliance/config"
	"chatets/appliance/extract"
)

// childEnv makes the test binary serve a data directory instead of testing, so
// that it can be killed as a whole process.
const childEnv = "CHATETS_TEST_SERVE"

func TestMain(m *testing.M) {
	extract.ChildOfTest()
	if dir := os.Getenv(childEnv); dir != "" {
		serveChild(dir)
		return
	}
	if task := os.Getenv(restoreEnv); task != "" {
		restoreChild(task)
		return
	}
	os.Exit(m.Run())
}

func serveChild(dir string) {
	ctx := context.Background()
	cfg, err := config.Load(map[string]string{"data": dir, "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		panic(err)
	}
	assets := appliance.Assets{UI: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}}, Samples: fstest.MapFS{}}
	a, err := appliance.New(ctx, cfg, assets, slog.New(slog.NewTextHandler(os.Stderr, nil)), "test")
	if err != nil {
		panic(err)
	}
	go func() {
		<-a.Ready()
		fmt.Println(a.Addr(), a.SetupLink())
	}()
	panic(a.Run(ctx))
}

// spawn starts the child and returns it with its house.
func spawn(t *testing.T, dir string) (*exec.Cmd, *house) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), childEnv+"="+dir)
	var log strings.Builder
	child.Stderr = &log
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = child.Wait()
		t.Fatalf("the service did not start: %v\n%s", err, log.String())
	}
	addr, link, _ := strings.Cut(strings.TrimSpace(line), " ")
	return child, &house{base: "http://" + addr, link: link}
}

// kept is what the service has said yes to.
type kept struct {
	sync.Mutex
	documents map[string]string // id -> a word only this document holds
	answers   map[string]string // conversation -> the answer's text
}

// TestKillLosesNothing kills the service with SIGKILL again and again while
// people upload and ask. Whatever was acknowledged must be there afterwards,
// whole, and the audit chain must hold.
func TestKillLosesNothing(t *testing.T) {
	t.Parallel()
	rounds := 12
	if text := os.Getenv("CHATETS_KILL_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("CHATETS_KILL_ROUNDS: %v", err)
		}
		rounds = n
	}
	dir := filepath.Join(t.TempDir(), "data")
	random := rand.New(rand.NewPCG(2, 19))
	all := &kept{documents: map[string]string{}, answers: map[string]string{}}

	child, h := spawn(t, dir)
	owner := h.setUp(t)
	knowledge := owner.must(t, "POST", "/api/knowledge", `{"name":"Storm"}`, 201).id()
	for round := range rounds {
		if round > 0 {
			child, h = spawn(t, dir)
			owner.house = h
			all.check(t, owner)
		}
		enough, after := all.count()+1+random.IntN(8), time.Duration(random.IntN(80))*time.Millisecond
		storm(t, owner, knowledge, round, all, func() {
			for deadline := time.Now().Add(20 * time.Second); all.count() < enough && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(after) // the moment of death is the point of this test, not a wait for something
			if err := child.Process.Kill(); err != nil {
				t.Error(err)
			}
			_ = child.Wait()
		})
	}
	child, h = spawn(t, dir)
	owner.house = h
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	all.check(t, owner)
	for id, word := range all.documents {
		owner.ready(t, id)
		body, _ := json.Marshal(map[string]any{"question": word, "knowledge": []string{knowledge}})
		got := owner.must(t, "POST", "/api/search", string(body), 200)
		if n := strings.Count(got.body, `"id":"`+id+`"`); n != 1 {
			t.Errorf("document %s is found %d times by its own word %s: %s", id, n, word, got.body)
		}
	}
	if got := owner.must(t, "POST", "/api/audit/verify", "", 200); got.get("ok") != "true" {
		t.Errorf("the audit chain is broken: %s", got.body)
	}
	if len(all.documents) == 0 || len(all.answers) == 0 || all.count() < rounds {
		t.Errorf("the storm was a calm: %d documents and %d answers in %d rounds", len(all.documents), len(all.answers), rounds)
	}
	t.Logf("%d rounds, %d documents and %d answers acknowledged, none lost", rounds, len(all.documents), len(all.answers))
}

func (k *kept) count() int {
	k.Lock()
	defer k.Unlock()
	return len(k.documents) + len(k.answers)
}

// check wants every acknowledged row back.
func (k *kept) check(t *testing.T, v *visitor) {
	t.Helper()
	for id, word := range k.documents {
		if got := v.must(t, "GET", "/api/documents/"+id, "", 200); got.get("name") != word+".md" {
			t.Errorf("document %s came back as %s", id, got.body)
		}
	}
	for id, text := range k.answers {
		if got := v.must(t, "GET", "/api/conversations/"+id, "", 200); got.get("messages", "1", "content") != text {
			t.Errorf("the answer of conversation %s changed: %s", id, got.body)
		}
	}
}

// storm lets people upload and ask until the service is killed under them.
func storm(t *testing.T, v *visitor, knowledge string, round int, all *kept, kill func()) {
	t.Helper()
	var people sync.WaitGroup
	for n := range 3 {
		people.Go(func() {
			for i := 0; ; i++ {
				word := fmt.Sprintf("storm%dx%dx%d", round, n, i)
				text := "# Storm\n\nThe word of this page is " + word + ". Nothing of it may be lost when the service dies.\n"
				got, err := v.send("POST", "/api/documents?knowledge="+knowledge+"&name="+word+".md", "text/markdown", text)
				if err != nil {
					return
				}
				if got.status == http.StatusAccepted {
					all.Lock()
					all.documents[got.id()] = word
					all.Unlock()
				}
			}
		})
	}
	for range 2 {
		people.Go(func() {
			for {
				got, err := v.send("POST", "/api/conversations", "application/json", `{"message":"What may be lost when the service dies?"}`)
				if err != nil {
					return
				}
				if got.status == http.StatusOK {
					all.Lock()
					all.answers[got.get("conversation", "id")] = got.get("answer", "content")
					all.Unlock()
				}
			}
		})
	}
	kill()
	people.Wait()
}

// send is ask for a service that may die in the middle: a broken connection is
// an error, not a failed test.
func (v *visitor) send(method, path, kind, body string) (answer, error) {
	req, err := http.NewRequest(method, v.house.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer "+v.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	got := answer{status: res.StatusCode, body: string(text), header: res.Header}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &got.fields); err != nil {
			return answer{}, err
		}
	}
	return got, nil
}
