package appliance_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatets/appliance/config"
)

// TestKeysThroughTheDoor asks as an owner, an administrator and a member.
func TestKeysThroughTheDoor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, err := config.Load(map[string]string{"data": filepath.Join(dir, "data"), "listen": "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := run(t, cfg)
	owner := h.setUp(t)
	admin := h.person(t, owner, "adam@house.test", "Adam Admin")
	owner.must(t, "PATCH", "/api/people/"+admin.id, `{"role":"admin"}`, 200)
	member := h.person(t, owner, "mia@house.test", "Mia Member")
	key, err := os.ReadFile(cfg.Key)
	if err != nil {
		t.Fatal(err)
	}
	digits := strings.Split(string(key), ":")[1]

	got := owner.must(t, "GET", "/api/keys", "", 200)
	if got.get("slots", "0", "kind") != "file" || got.get("slots", "0", "inUse") != "true" || got.get("recovery") != "false" || got.get("keys", "0", "current") != "true" {
		t.Errorf("got %s", got.body)
	}
	if strings.Contains(got.body, digits) || strings.Contains(got.body, "public") || strings.Contains(got.body, "box") {
		t.Errorf("the status shows too much: %s", got.body)
	}
	for _, tt := range []struct {
		who    *visitor
		method string
		path   string
		status int
	}{
		{h.visitor(), "GET", "/api/keys", 401}, {member, "GET", "/api/keys", 403}, {admin, "GET", "/api/keys", 200},
		{h.visitor(), "POST", "/api/keys/recovery", 401}, {member, "POST", "/api/keys/recovery", 403}, {admin, "POST", "/api/keys/recovery", 403},
		{owner, "POST", "/api/operator/keys/rotate", 404}, {owner, "DELETE", "/api/operator/keys/1", 404},
	} {
		if got := tt.who.ask(t, tt.method, tt.path, "", ""); got.status != tt.status {
			t.Errorf("%s %s as %s: got %d, want %d", tt.method, tt.path, tt.who.email, got.status, tt.status)
		}
	}
	made := owner.must(t, "POST", "/api/keys/recovery", "", 200)
	paper := made.get("key")
	if len(paper) != 41 || len(made.get("qr", "0")) < 29 {
		t.Errorf("got %s", made.body)
	}
	owner.must(t, "POST", "/api/keys/recovery/test", `{"key":"`+strings.ToLower(paper)+`"}`, 204)
	wrong := []byte(paper)
	wrong[3] = map[bool]byte{true: '3', false: '2'}[wrong[3] == '2']
	if got := owner.must(t, "POST", "/api/keys/recovery/test", `{"key":"`+string(wrong)+`"}`, 422); !strings.Contains(got.body, "checksum") || strings.Contains(got.body, string(wrong)) {
		t.Errorf("got %s", got.body)
	}
	owner.must(t, "POST", "/api/keys/recovery", "", 200)
	owner.must(t, "POST", "/api/keys/recovery/test", `{"key":"`+paper+`"}`, 403)
	record := owner.must(t, "GET", "/api/audit?limit=100", "", 200)
	for _, word := range []string{`"key.recovery"`, `"key.test"`, `"refused"`} {
		if !strings.Contains(record.body, word) {
			t.Errorf("%s is not recorded", word)
		}
	}
	if strings.Contains(record.body, paper) {
		t.Error("the record holds a recovery key")
	}
	h.stop()
	for _, word := range []string{paper, strings.ReplaceAll(paper, "-", ""), digits} {
		if err := filepath.WalkDir(cfg.Data, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte(word)) {
				t.Errorf("%s holds a secret", path)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}
