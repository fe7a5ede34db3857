package model_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatets/appliance/fault"
	"chatets/appliance/inference/inferencetest"
	"chatets/appliance/job"
	"chatets/appliance/model"
)

// weights are a file that begins like a model.
func weights(size int) string {
	return "GGUF\x03\x00\x00\x00" + strings.Repeat("w", size)
}

func put(name string) string { return "PUT /api/models/files/" + url.PathEscape(name) }

// TestFiles adds, lists, replaces and deletes model files.
func TestFiles(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	folder := filepath.Join(h.dir, "models")
	got := ada.must(t, "GET /api/models/files", "", 200)
	if got.get("folder") != folder || got.at("items", "0") != nil {
		t.Errorf("before there is any: %s", got.body)
	}
	ada.must(t, put("b.gguf"), weights(1000), 201, `"b.gguf"`, `1008`)
	ada.must(t, put("A model (8B) ü.GGUF"), weights(10), 201)
	ada.must(t, put("b.gguf"), weights(2000), 201, `2008`)
	// What is no model file is not shown, whoever put it there.
	check(t, os.WriteFile(filepath.Join(folder, "notes.txt"), []byte("x"), 0o600))
	check(t, os.Mkdir(filepath.Join(folder, "folder.gguf"), 0o700))
	check(t, os.Symlink("/etc/passwd", filepath.Join(folder, "link.gguf")))
	got = ada.must(t, "GET /api/models/files", "", 200)
	if got.names() != "A model (8B) ü.GGUF b.gguf" || got.get("items", "1", "size") != "2008" {
		t.Errorf("listed: %s", got.body)
	}
	if n := len(inFolder(t, folder)); n != 5 {
		t.Errorf("the folder holds %v", inFolder(t, folder))
	}
	for _, name := range []string{"link.gguf", "folder.gguf", "none.gguf", "notes.txt"} {
		ada.must(t, "DELETE /api/models/files/"+name, "", 404)
	}
	ada.must(t, "DELETE /api/models/files/b.gguf", "", 204)
	ada.must(t, "DELETE /api/models/files/b.gguf", "", 404)
	if _, err := os.Stat("/etc/passwd"); err != nil {
		t.Fatal("a link was followed")
	}
	if n := len(h.recorded(t, "model-file.add")) + len(h.recorded(t, "model-file.delete")); n != 4 {
		t.Errorf("%d acts were recorded, want 4", n)
	}
}

func inFolder(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestFilesRefused takes nothing under a name that leads elsewhere and nothing
// that is no model, and leaves nothing behind.
func TestFilesRefused(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	for _, tt := range []struct {
		name, file, body string
		status           int
	}{
		{"a folder above", "../up.gguf", weights(1), 422},
		{"a folder", "sub/x.gguf", weights(1), 422},
		{"the root", "/etc/x.gguf", weights(1), 422},
		{"a folder of Windows", `..\x.gguf`, weights(1), 422},
		{"a hidden file", ".x.gguf", weights(1), 422},
		{"our own temporary file", ".part-1.gguf", weights(1), 422},
		{"only an ending", ".gguf", weights(1), 422},
		{"another ending", "x.bin", weights(1), 422},
		{"a line break", "a\nb.gguf", weights(1), 422},
		{"a space in front", " x.gguf", weights(1), 422},
		{"a letter that turns the text", "a\u202eb.gguf", weights(1), 422},
		{"too long", strings.Repeat("x", 199) + ".gguf", weights(1), 422},
		{"no model", "x.gguf", "This is a text.", 415},
		{"a model of version 1", "x.gguf", "GGUF\x01\x00\x00\x00" + "abc", 415},
		{"big-endian", "x.gguf", "GGUF\x00\x00\x00\x03" + "abc", 415},
		{"only the magic", "x.gguf", "GGUF", 415},
		{"nothing", "x.gguf", "", 415},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ada.must(t, put(tt.file), tt.body, tt.status)
			if got.get("cure") == "" && tt.file != strings.Repeat("x", 199)+".gguf" {
				t.Errorf("no cure: %s", got.body)
			}
		})
	}
	if names := inFolder(t, filepath.Join(h.dir, "models")); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	if names := inFolder(t, h.dir); slices.Contains(names, "up.gguf") {
		t.Error("a file left the folder")
	}
	if n := len(h.recorded(t, "model-file.add")); n != 0 {
		t.Errorf("%d acts were recorded", n)
	}
}

// TestUploadCutOff leaves nothing of an upload whose sender went away, nor of
// one that a crash ended.
func TestUploadCutOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "models")
	check(t, os.Mkdir(folder, 0o700))
	check(t, os.WriteFile(filepath.Join(folder, ".part-0190a6f2"), []byte("half"), 0o600))
	check(t, os.WriteFile(filepath.Join(folder, "kept.gguf"), []byte(weights(5)), 0o600))
	h := startIn(t, dir)
	ada := h.admin(t)
	if names := inFolder(t, folder); !slices.Equal(names, []string{"kept.gguf"}) {
		t.Errorf("after the start: %v", names)
	}
	reader, writer := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), "PUT", h.base+"/api/models/files/half.gguf", reader)
	check(t, err)
	req.Header.Set("Authorization", "Bearer "+ada.token)
	req.ContentLength = 1 << 20
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
		}
	}()
	_, err = writer.Write([]byte(weights(100_000)))
	check(t, err)
	await(t, "the upload begins", func() bool { return len(inFolder(t, folder)) == 2 })
	_ = writer.CloseWithError(errors.New("the cable was pulled"))
	<-ended
	await(t, "the rest of the upload goes", func() bool { return slices.Equal(inFolder(t, folder), []string{"kept.gguf"}) })
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(3 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it takes too long until %s", what)
		}
	}
}

// TestNoFolder says that no folder is configured.
func TestNoFolder(t *testing.T) {
	t.Parallel()
	h := start(t, func(c *model.Config) { c.Folder = "" })
	ada := h.admin(t)
	if got := ada.must(t, "GET /api/models/files", "", 200); got.get("folder") != "" {
		t.Errorf("the folder: %s", got.body)
	}
	ada.must(t, put("x.gguf"), weights(1), 409, "no-folder")
}

// imported waits for the end of an import.
func (h *house) imported(t *testing.T, id string) job.Job {
	t.Helper()
	var j job.Job
	await(t, "the import ends", func() bool {
		var err error
		j, err = h.queue.Get(t.Context(), id)
		check(t, err)
		return j.State == job.Done || j.State == job.Failed || j.State == job.Cancelled
	})
	return j
}

// TestImport brings a file to a server and finds the model there.
func TestImport(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	fake := inferencetest.New(t, "first:say=plain")
	id := ada.server(t, "Ward", "ollama", fake.URL)
	text := weights(3_000_000)
	ada.must(t, put("mine.gguf"), text, 201)
	ada.must(t, "POST /api/servers/"+id+"/import", `{"file":"mine.gguf","name":"mine:say=plain"}`, 422, "body.name")
	got := ada.must(t, "POST /api/servers/"+id+"/import", `{"file":"mine.gguf","name":"mine","template":"{{ .Prompt }}","context":4096}`, 202)
	if j := h.imported(t, got.get("job", "id")); j.State != job.Done || j.Done != j.Total || j.Total != int64(len(text)) {
		t.Fatalf("the import: %+v", j)
	}
	sum := sha256.Sum256([]byte(text))
	digest, paths := hex.EncodeToString(sum[:]), ""
	for _, r := range fake.Requests() {
		paths += r.Method + " " + r.Path + " "
		if r.Path == "/api/create" && (!bytes.Contains(r.Body, []byte(digest)) || !bytes.Contains(r.Body, []byte("{{ .Prompt }}")) || !bytes.Contains(r.Body, []byte("4096"))) {
			t.Errorf("created with %s", r.Body)
		}
	}
	if !strings.Contains(paths, "POST /api/blobs/sha256:"+digest) {
		t.Errorf("asked: %s", paths)
	}
	if one := ada.must(t, "GET /api/models", "", 200).model("mine"); one.get("available") != "true" {
		t.Errorf("the model: %v", one.fields)
	}
	// A second time the server has the file already.
	fake.Forget()
	got = ada.must(t, "POST /api/servers/"+id+"/import", `{"file":"mine.gguf","name":"again"}`, 202)
	if j := h.imported(t, got.get("job", "id")); j.State != job.Done {
		t.Errorf("the second import: %+v", j)
	}
	for _, r := range fake.Requests() {
		if r.Method == "POST" && strings.HasPrefix(r.Path, "/api/blobs/") {
			t.Error("the file was sent again")
		}
	}
	if list := h.recorded(t, "model.import"); len(list) != 2 || !strings.Contains(list[0], "mine.gguf") {
		t.Errorf("recorded: %v", list)
	}
}

// TestImportRefused begins nothing that cannot work.
func TestImportRefused(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	id := ada.server(t, "Ward", "ollama", inferencetest.New(t, "a:say=plain").URL)
	studio := ada.server(t, "Studio", "openai", inferencetest.NewFlavour(t, inferencetest.LMStudio, "a:say=plain").URL)
	ada.must(t, put("mine.gguf"), weights(10), 201)
	check(t, os.WriteFile(filepath.Join(h.dir, "models", "text.gguf"), []byte("This is a text, whatever its name says."), 0o600))
	check(t, os.Symlink("/etc/passwd", filepath.Join(h.dir, "models", "link.gguf")))
	for _, tt := range []struct {
		name, server, file, model string
		status                    int
	}{
		{"no such file", id, "none.gguf", "mine", 404},
		{"a file elsewhere", id, "../../etc/passwd", "mine", 404},
		{"a link", id, "link.gguf", "mine", 404},
		{"no model", id, "text.gguf", "mine", 415},
		{"no such server", "nothing", "mine.gguf", "mine", 404},
		{"a server that takes none", studio, "mine.gguf", "mine", 409},
		{"a name with a space", id, "mine.gguf", "my model", 422},
		{"a name that climbs", id, "mine.gguf", "../mine", 422},
		{"no name", id, "mine.gguf", "", 422},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ada.must(t, "POST /api/servers/"+tt.server+"/import", object("file", tt.file, "name", tt.model), tt.status)
		})
	}
	ada.must(t, "PATCH /api/servers/"+id, `{"enabled":false}`, 200)
	ada.must(t, "POST /api/servers/"+id+"/import", object("file", "mine.gguf", "name", "mine"), 409, "server-off")
	if n := h.count(t, `SELECT count(*) FROM job`); n != 0 {
		t.Errorf("%d jobs were begun", n)
	}
}

// TestImportFails names why a server does not take a file, and does not try the
// same again.
func TestImportFails(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	fake := inferencetest.New(t, "a:say=plain")
	id := ada.server(t, "Ward", "ollama", fake.URL)
	ada.must(t, put("mine.gguf"), weights(10), 201)
	fake.Break("/api/create", "error200")
	got := ada.must(t, "POST /api/servers/"+id+"/import", `{"file":"mine.gguf","name":"mine"}`, 202)
	j := h.imported(t, got.get("job", "id"))
	if j.State != job.Failed || j.Error == "" || j.Cure == "" || j.Attempt != 1 {
		t.Errorf("the import: %+v", j)
	}
	if one := ada.must(t, "GET /api/models?all=true", "", 200).model("mine"); one.fields != nil {
		t.Errorf("there is a model: %v", one.fields)
	}
}

// TestImportCancelled ends in the middle, and the server is let go.
func TestImportCancelled(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	fake := inferencetest.New(t, "a:say=plain")
	id := ada.server(t, "Ward", "ollama", fake.URL)
	ada.must(t, put("mine.gguf"), weights(10), 201)
	fake.Break("/api/create", "stall")
	got := ada.must(t, "POST /api/servers/"+id+"/import", `{"file":"mine.gguf","name":"mine"}`, 202)
	work := got.get("job", "id")
	await(t, "the model is being made", func() bool {
		j, err := h.queue.Get(t.Context(), work)
		check(t, err)
		return strings.HasPrefix(j.Note, "making the model")
	})
	check(t, h.queue.Cancel(t.Context(), work))
	began := time.Now()
	if j := h.imported(t, work); j.State != job.Cancelled {
		t.Errorf("the import: %+v", j)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s to end", took)
	}
}

// TestImportOfRemovedServer gives up when the server is taken away meanwhile.
func TestImportOfRemovedServer(t *testing.T) {
	t.Parallel()
	h := start(t)
	ada := h.admin(t)
	fake := inferencetest.New(t, "a:say=plain")
	id := ada.server(t, "Ward", "ollama", fake.URL)
	ada.must(t, put("mine.gguf"), weights(10), 201)
	fake.Break("/api/create", "busy")
	got := ada.must(t, "POST /api/servers/"+id+"/import", `{"file":"mine.gguf","name":"mine"}`, 202)
	await(t, "the first attempt fails", func() bool {
		j, err := h.queue.Get(t.Context(), got.get("job", "id"))
		check(t, err)
		return j.Attempt == 1 && j.State == job.Waiting
	})
	ada.must(t, "DELETE /api/servers/"+id, "", 204)
	if j := h.imported(t, got.get("job", "id")); j.State != job.Failed || !strings.Contains(j.Error, "not in use any more") {
		t.Errorf("the import: %+v", j)
	}
	if _, err := h.models.Choose(context.Background(), ada.actor(t), "a:say=plain"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a model of a server that is gone: %v", err)
	}
}
