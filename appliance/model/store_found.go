package model

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"chatets/appliance/inference"
	"chatets/appliance/sqlite"
)

// kept is what the table says of a model on a server.
type kept struct {
	model         string // id
	as            string // JSON of everything but times
	loaded        bool
	loadedContext int
	gone          bool
}

// discovered keeps the models of a server: new names become models, known ones
// keep what people made of them, and what the server does not list any more is
// marked gone. changed reports whether anything is different.
func (s store) discovered(ctx context.Context, server string, list []found, everyone bool) (changed bool, err error) {
	err = s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		changed = false
		var workspace, owner string
		err := tx.QueryRow(ctx, `SELECT workspace, owner FROM server WHERE id = ?`, server).Scan(&workspace, &owner)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // removed while it was asked
		}
		if err != nil {
			return err
		}
		before, err := keptOn(ctx, tx, server)
		if err != nil {
			return err
		}
		for _, f := range list {
			was, known := before[f.name]
			delete(before, f.name)
			if !known {
				if was.model, err = modelNamed(ctx, tx, f, workspace, owner, everyone); err != nil {
					return err
				}
			}
			same, err := keep(ctx, tx, server, f, was)
			if err != nil {
				return err
			}
			changed = changed || !same
		}
		for _, name := range slices.Sorted(maps.Keys(before)) {
			if before[name].gone {
				continue
			}
			changed = true
			if _, err := tx.Exec(ctx, `UPDATE model_place SET gone = ?, loaded = 0 WHERE server = ? AND model = ?`, tx.Now.UnixMilli(), server, before[name].model); err != nil {
				return fmt.Errorf("mark a place: %w", err)
			}
		}
		return sortKinds(ctx, tx, server)
	})
	return changed, err
}

// keptOn is what the table says of the models of a server, by their names.
func keptOn(ctx context.Context, tx *sqlite.Tx, server string) (map[string]kept, error) {
	rows, err := tx.Query(ctx, `SELECT m.name, `+placeColumns+` FROM model_place AS p JOIN server AS s ON s.id = p.server
		JOIN model AS m ON m.id = p.model LEFT JOIN model_pace AS q ON q.server = p.server AND q.model = p.name WHERE p.server = ?`, server)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]kept{}
	for rows.Next() {
		var name string
		id, p, err := scanPlace(prefixed{rows, &name})
		if err != nil {
			return nil, err
		}
		as, err := json.Marshal(p.Model)
		if err != nil {
			return nil, err
		}
		all[name] = kept{model: id, as: string(as), loaded: p.Loaded, loadedContext: p.LoadedContext, gone: !p.Gone.IsZero()}
	}
	return all, rows.Err()
}

// prefixed scans a column in front of the others.
type prefixed struct {
	rows  *sql.Rows
	first any
}

func (p prefixed) Scan(rest ...any) error { return p.rows.Scan(append([]any{p.first}, rest...)...) }

// modelNamed is the id of the model of a name, which is made where there is none.
func modelNamed(ctx context.Context, tx *sqlite.Tx, f found, workspace, owner string, everyone bool) (string, error) {
	var id string
	err := tx.QueryRow(ctx, `SELECT id FROM model WHERE name = ?`, f.name).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	id = newID()
	kind := kindChat
	if f.Embedding {
		kind = kindEmbedding
	}
	_, err = tx.Exec(ctx, `INSERT INTO model (id, workspace, owner, name, label, kind, enabled, everyone, created) VALUES (?, ?, ?, ?, '', ?, 1, ?, ?)`,
		id, workspace, owner, f.name, kind, everyone, tx.Now.UnixMilli())
	return id, err
}

// keep writes a model of a server, and reports whether it is as it was.
func keep(ctx context.Context, tx *sqlite.Tx, server string, f found, was kept) (same bool, err error) {
	as, err := json.Marshal(f.Model)
	if err != nil {
		return false, err
	}
	if string(as) == was.as && f.loadedContext == was.loadedContext && !was.gone {
		_, err := tx.Exec(ctx, `UPDATE model_place SET seen = ? WHERE server = ? AND model = ?`, tx.Now.UnixMilli(), server, was.model)
		return true, err
	}
	const put = `INSERT INTO model_place (server, model, name, capabilities, digest, family, parameters, quantization, size, context_max, context, slots, dimensions,
			loaded, loaded_context, seen, gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
		ON CONFLICT (server, model) DO UPDATE SET name = excluded.name, capabilities = excluded.capabilities, digest = excluded.digest, family = excluded.family,
			parameters = excluded.parameters, quantization = excluded.quantization, size = excluded.size, context_max = excluded.context_max,
			context = excluded.context, slots = excluded.slots, dimensions = excluded.dimensions, loaded = excluded.loaded,
			loaded_context = excluded.loaded_context, seen = excluded.seen, gone = 0`
	words, err := jsonList(capabilities(f.Model))
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, put, server, was.model, f.Model.Name, words, f.Digest, f.Family, f.Parameters, f.Quantization, f.Size, f.MaxContext, f.Context, f.Slots,
		f.Dimensions, f.Loaded, f.loadedContext, tx.Now.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("keep a place: %w", err)
	}
	return false, nil
}

// sortKinds says of the models of a server whether they chat: a model does when
// any server that has it says so.
func sortKinds(ctx context.Context, tx *sqlite.Tx, server string) error {
	const set = `UPDATE model SET kind = k.kind FROM (SELECT p.model AS id, iif(min(EXISTS (SELECT 1 FROM json_each(p.capabilities) WHERE value = 'embedding')), 'embedding', 'chat') AS kind
			FROM model_place AS p WHERE p.gone = 0 AND p.model IN (SELECT model FROM model_place WHERE server = ?) GROUP BY p.model) AS k
		WHERE model.id = k.id AND model.kind <> k.kind`
	_, err := tx.Exec(ctx, set, server)
	return err
}

// inMemory notes which models of a server are in memory. It writes only what
// differs, since it is asked every few seconds.
func (s store) inMemory(ctx context.Context, server string, loaded []inference.Loaded) (changed bool, err error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT name, loaded, loaded_context FROM model_place WHERE server = ? AND gone = 0`, server)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	type state struct {
		name    string
		loaded  bool
		context int
	}
	var different []state
	for rows.Next() {
		var was state
		if err := rows.Scan(&was.name, &was.loaded, &was.context); err != nil {
			return false, err
		}
		is := state{name: was.name}
		for _, l := range loaded {
			if plainName(l.Model) == plainName(was.name) {
				is.loaded, is.context = true, l.Context
			}
		}
		if is != was {
			different = append(different, is)
		}
	}
	if err := rows.Err(); err != nil || len(different) == 0 {
		return false, err
	}
	return true, s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		for _, d := range different {
			if _, err := tx.Exec(ctx, `UPDATE model_place SET loaded = ?, loaded_context = ? WHERE server = ? AND name = ?`, d.loaded, d.context, server, d.name); err != nil {
				return err
			}
		}
		return nil
	})
}

// keptHealth is how many changes of a server's state are kept.
const keptHealth = 200

// turned keeps a change of a server's state. Where the last that was kept is the
// same, from before the start or under another reason, it returns since when.
func (s store) turned(ctx context.Context, server string, h Health) (since time.Time, err error) {
	err = s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		var id, at int64
		var state string
		err := tx.QueryRow(ctx, `SELECT id, at, state FROM server_health WHERE server = ? ORDER BY id DESC LIMIT 1`, server).Scan(&id, &at, &state)
		switch {
		case err == nil && state == h.State:
			since = moment(at)
			_, err := tx.Exec(ctx, `UPDATE server_health SET why = ?, cure = ? WHERE id = ?`, h.Why, h.Cure, id)
			return err
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		}
		since = time.Time{}
		if _, err := tx.Exec(ctx, `INSERT INTO server_health (server, at, state, latency, why, cure) SELECT id, ?, ?, ?, ?, ? FROM server WHERE id = ?`,
			h.Since.UnixMilli(), h.State, h.Latency.Milliseconds(), h.Why, h.Cure, server); err != nil {
			return fmt.Errorf("keep health: %w", err)
		}
		_, err = tx.Exec(ctx, `DELETE FROM server_health WHERE server = ?1 AND id <= (SELECT id FROM server_health WHERE server = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
			server, keptHealth)
		return err
	})
	return since, err
}

// turnOfState is one change of a server's state.
type turnOfState struct {
	ID      int64
	At      time.Time
	State   string
	Latency time.Duration
	Problem
}

// history lists the changes of a server's state, the newest first.
func (s store) history(ctx context.Context, server string, before int64, limit int) ([]turnOfState, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT id, at, state, latency, why, cure FROM server_health
		WHERE server = ? AND (?2 = 0 OR id < ?2) ORDER BY id DESC LIMIT ?3`, server, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list health: %w", err)
	}
	defer rows.Close()
	var list []turnOfState
	for rows.Next() {
		var t turnOfState
		var at, latency int64
		if err := rows.Scan(&t.ID, &at, &t.State, &latency, &t.Why, &t.Cure); err != nil {
			return nil, err
		}
		t.At, t.Latency = moment(at), time.Duration(latency)*time.Millisecond
		list = append(list, t)
	}
	return list, rows.Err()
}
