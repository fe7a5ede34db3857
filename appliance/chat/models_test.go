package chat

import (
	"context"
	"io/fs"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"chatets/appliance/account"
	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/egress"
	"chatets/appliance/inference"
	"chatets/appliance/inference/inferencetest"
	"chatets/appliance/job"
	"chatets/appliance/model"
	"chatets/appliance/secret"
	"chatets/appliance/setting"
	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

func modelMigrations() []fs.FS {
	return []fs.FS{audit.Migrations, setting.Migrations, job.Migrations, account.Migrations, model.Migrations, Migrations}
}

// root is a context as a request of an administrator has it.
func root(t testing.TB) context.Context { return actor.With(context.Background(), people()["root"]) }

// modelsOn is a model room on a database with one server, whose models are given.
func modelsOn(t testing.TB, db *sqlite.DB, url string, names ...string) *model.Models {
	t.Helper()
	keys, _, err := secret.Open(filepath.Join(t.TempDir(), "key"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.New(db, keys, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := setting.New(t.Context(), db, log, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	gate, err := egress.New(egress.Config{})
	if err != nil {
		t.Fatal(err)
	}
	m := model.New(model.Config{DB: db, Audit: log, Settings: settings, Accounts: account.New(db, log), Keys: keys, Gate: gate})
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var works sync.WaitGroup
	works.Go(func() {
		if err := m.Run(ctx); err != nil {
			t.Errorf("models: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		works.Wait()
	})
	s, err := m.AddServer(root(t), model.NewServer{Name: "fake " + url, Kind: inference.Ollama, URL: url, Slots: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Refresh(root(t), s.ID); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		eventually(t, name+" can be used", func() bool {
			choice, err := m.Choose(t.Context(), people()["ada"], name)
			return err == nil && choice.Name == name
		})
	}
	return m
}

// openModels is a rig whose answers are written by the models of a fake server.
func openModels(t testing.TB, books Searcher, names ...string) (*rig, *inferencetest.Server) {
	t.Helper()
	fake := inferencetest.New(t, names...)
	db := sqlitetest.Open(t, modelMigrations()...)
	m := modelsOn(t, db, fake.URL, names...)
	return openOn(t, db, books, func(c *Chat) { c.Models = m }), fake
}
