package chat

import (
	"context"
	"testing"

	"chatets/appliance/sqlite"
	"chatets/appliance/sqlite/sqlitetest"
)

// TestUpDownUp wants the same schema after going back and forth.
func TestUpDownUp(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, Migrations)
	schema := func() (text string) {
		t.Helper()
		const read = `SELECT coalesce(group_concat(sql, char(10)), '') FROM (SELECT sql FROM sqlite_schema
			WHERE name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%' ORDER BY name)`
		if err := db.Read().QueryRowContext(t.Context(), read).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := schema()
	if err := db.Down(t.Context(), 0, Migrations); err != nil {
		t.Fatal(err)
	}
	if got := schema(); got != "" {
		t.Errorf("down leaves %s", got)
	}
	if err := db.Migrate(t.Context(), Migrations); err != nil {
		t.Fatal(err)
	}
	if after := schema(); before != after || before == "" {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

// TestAnEndThatCannotBeStored wants the readers told at once, and the row stored
// when it can be.
func TestAnEndThatCannotBeStored(t *testing.T) {
	t.Parallel()
	r := open(t, wardShelf(), nil)
	r.exec(`CREATE TRIGGER broken BEFORE UPDATE ON run BEGIN SELECT RAISE(ABORT, 'no'); END`)
	x := r.ask("ada", "visiting hours")
	if x.Answer.State != StateFailed || x.Answer.Problem == nil {
		t.Fatalf("got %+v", x.Answer)
	}
	events := r.follow("ada", x.Answer.Run, 0).rest()
	if last := events[len(events)-1]; last.Name != EventError {
		t.Errorf("the last event is %s", last.Name)
	}
	r.exec(`DROP TRIGGER broken`)
	eventually(t, "the end is stored", func() bool { return r.count(`SELECT count(*) FROM run WHERE ended IS NOT NULL`) == 1 })
	eventually(t, "the run is forgotten", func() bool { return r.chat.live.find(x.Answer.Run, people()["ada"]) == nil })
	if got := r.transcript("ada", x.Conversation.ID).Messages[1]; got.State != StateFailed || got.Problem == nil {
		t.Errorf("stored is %+v", got)
	}
	if again := r.follow("ada", x.Answer.Run, 0).rest(); wire(again) != wire(events) {
		t.Errorf("replayed\n%s\nwas\n%s", wire(again), wire(events))
	}
}

func (r *rig) exec(statement string) {
	r.t.Helper()
	err := r.db.Update(r.t.Context(), func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.Exec(ctx, statement)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}
