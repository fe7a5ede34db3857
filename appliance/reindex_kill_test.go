package appliance_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chatets/appliance/inference/inferencetest"
)

// TestKillWhileIndexing kills the service with SIGKILL while documents are read,
// read again, and indexes of other models are built and swapped. A document that
// was ready is found at every start, once; in the end the index is whole.
func TestKillWhileIndexing(t *testing.T) {
	t.Parallel()
	rounds := 6
	if text := os.Getenv("CHATETS_KILL_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("CHATETS_KILL_ROUNDS: %v", err)
		}
		rounds = n
	}
	models := []string{"near:embed=16", "far:embed=24"}
	server := inferencetest.New(t, models...)
	dir := filepath.Join(t.TempDir(), "data")
	random := rand.New(rand.NewPCG(4, 17))
	child, h := spawn(t, dir)
	owner := h.setUp(t)
	owner.connect(t, "rig", "ollama", server.URL, 2, len(models))
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"Storm"}`, 201).id()

	var mu sync.Mutex
	accepted, ready := map[string]string{}, map[string]string{} // id -> the word only it holds
	add := func(word string) error {
		var text strings.Builder
		for part := range 20 {
			fmt.Fprintf(&text, "# Part %d\n\nThe word %s stands in part %d of this page, and nothing of it may be lost when the service dies while it is read again by somebody.\n\n", part, word, part)
		}
		got, err := owner.send("POST", "/api/documents?knowledge="+base+"&name="+word+".md", "text/markdown", text.String())
		if err == nil && got.status == http.StatusAccepted {
			mu.Lock()
			accepted[got.id()] = word
			mu.Unlock()
		}
		return err
	}
	for i := range 5 {
		if err := add(fmt.Sprintf("first%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	for id, word := range accepted {
		owner.ready(t, id)
		ready[id] = word
	}
	found := func() {
		t.Helper()
		for id, word := range ready {
			body, _ := json.Marshal(map[string]any{"question": word, "knowledge": []string{base}, "limit": 50})
			got := owner.must(t, "POST", "/api/search", string(body), 200)
			seen := map[string]bool{}
			items, _ := got.fields.(map[string]any)["items"].([]any)
			for i := range items {
				if got.get("items", strconv.Itoa(i), "document", "id") != id {
					continue
				}
				at := got.get("items", strconv.Itoa(i), "start")
				if seen[at] {
					t.Errorf("a passage of %s is found twice: %s", id, got.body)
				}
				seen[at] = true
			}
			if len(seen) == 0 {
				t.Errorf("document %s, which was ready, is not found by its word %s: %s", id, word, got.body)
			}
		}
	}
	swaps := 0
	for round := range rounds {
		if round > 0 {
			child, h = spawn(t, dir)
			owner.house = h
			found()
		}
		var storm sync.WaitGroup
		storm.Go(func() {
			for i := 0; add(fmt.Sprintf("storm%dx%d", round, i)) == nil && i < 5; i++ {
			}
		})
		storm.Go(func() {
			for i := round; ; i++ {
				body := `{"model":"` + models[i%2] + `"}`
				got, err := owner.send("PUT", "/api/knowledge/"+base+"/embedding", "application/json", body)
				for err == nil && got.get("model") != models[i%2] && got.status < 300 {
					time.Sleep(2 * time.Millisecond)
					got, err = owner.send("GET", "/api/knowledge/"+base+"/index", "", "")
				}
				if err != nil {
					return
				}
				if got.status < 300 {
					mu.Lock()
					swaps++
					mu.Unlock()
				}
				time.Sleep(2 * time.Millisecond)
			}
		})
		storm.Go(func() {
			for {
				if _, err := owner.send("POST", "/api/knowledge/"+base+"/reindex", "application/json", ""); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
		storm.Go(func() {
			for {
				mu.Lock()
				ids := make([]string, 0, len(accepted))
				for id := range accepted {
					if ready[id] == "" {
						ids = append(ids, id)
					}
				}
				mu.Unlock()
				for _, id := range ids {
					got, err := owner.send("GET", "/api/documents/"+id, "", "")
					if err != nil {
						return
					}
					if got.get("state") == "ready" {
						mu.Lock()
						ready[id] = accepted[id]
						mu.Unlock()
					}
				}
				if _, err := owner.send("GET", "/api/knowledge/"+base, "", ""); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
		if round%2 == 1 { // around a swap, however slow the machine is
			mu.Lock()
			before := swaps
			mu.Unlock()
			for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
				mu.Lock()
				swapped := swaps > before
				mu.Unlock()
				if swapped {
					break
				}
			}
			time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
		} else {
			time.Sleep(time.Duration(100+random.IntN(900)) * time.Millisecond) // the moment of death is the point of this test
		}
		if err := child.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = child.Wait()
		storm.Wait()
	}
	child, h = spawn(t, dir)
	owner.house = h
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	found()
	for id, word := range accepted {
		owner.ready(t, id)
		ready[id] = word
	}
	got := owner.index(t, base, "the index is whole", func(a answer) bool {
		return still(a) && a.get("vectors") == a.get("passages") && a.get("renewals", "failed") == "0"
	})
	found()
	if got := owner.must(t, "POST", "/api/audit/verify", "", 200); got.get("ok") != "true" {
		t.Errorf("the audit chain is broken: %s", got.body)
	}
	if swaps == 0 {
		t.Error("no index was swapped: the storm was a calm")
	}
	t.Logf("%d rounds, %d documents, %d swaps, %s passages with vectors, none lost", rounds, len(ready), swaps, got.get("passages"))
}
