package appliance_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"chatets/appliance"
	"chatets/appliance/config"
	"chatets/embed"
)

// TestFoundByMeaning asks in words that stand in no document: the passage is
// found by whoever may read it, by nobody else, not after its document is gone,
// and again after a restart.
func TestFoundByMeaning(t *testing.T) {
	t.Parallel()
	weights, made := embed.Weights()
	if !made {
		t.Fatal("the encoder's weights are not there: make weights")
	}
	assets := appliance.Assets{UI: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}}, Samples: fstest.MapFS{}, Weights: weights}
	cfg, err := config.Load(map[string]string{"data": filepath.Join(t.TempDir(), "data"), "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := runWith(t, cfg, assets)
	owner := h.setUp(t)
	stranger := h.person(t, owner, "sam@house.test", "Sam Stranger")
	base := owner.must(t, "POST", "/api/knowledge", `{"name":"Clinic"}`, 201).id()
	doctor := owner.upload(t, base, "a.txt", "The physician examines each patient in the morning.")
	owner.upload(t, base, "b.txt", "The pump is bolted to a concrete foundation.")
	const question = `{"question":"When does a doctor look at sick people?"}`
	found := func(v *visitor) bool {
		return strings.Contains(v.must(t, "POST", "/api/search", question, 200).body, "physician")
	}
	eventually := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("never: %s: %s", what, owner.must(t, "POST", "/api/search", question, 200).body)
			}
		}
	}
	eventually("the passage is found by its meaning", func() bool { return found(owner) })
	first := owner.must(t, "POST", "/api/search", question, 200)
	if strings.Contains(first.body, "concrete") {
		t.Errorf("what is not near is found too: %s", first.body)
	}
	if found(stranger) {
		t.Error("somebody without access finds the passage")
	}
	owner.must(t, "PUT", "/api/knowledge/"+base+"/access", `{"entries":[{"person":"`+stranger.id+`","right":"read"}]}`, 200)
	if !found(stranger) {
		t.Error("somebody who was given access does not find it")
	}
	// Switched off it is not found by meaning either; switched on it is again.
	passages := "/api/documents/" + doctor + "/chunks"
	passage := passages + "/" + owner.must(t, "GET", passages, "", 200).get("items", "0", "number")
	owner.must(t, "PATCH", passage, `{"disabled":true}`, 200)
	if found(owner) {
		t.Error("a passage that is off is found")
	}
	owner.must(t, "PATCH", passage, `{"disabled":false}`, 200)
	if !found(owner) {
		t.Error("a passage that is on again is not found")
	}
	h.stop()
	h = runWith(t, cfg, assets)
	owner.house, stranger.house = h, h
	eventually("the passage is found after a restart", func() bool { return found(owner) })
	owner.must(t, "DELETE", "/api/documents/"+doctor, "", 204)
	if found(owner) || found(stranger) {
		t.Error("a deleted document is found")
	}
}
