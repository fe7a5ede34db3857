package model

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"chatets/appliance/actor"
	"chatets/appliance/inference"
)

// reach says which models an actor may use. The zero value finds none.
type reach struct {
	everything        bool // the operator and ChatETS itself
	manages           bool // every model, those that are switched off too
	person, workspace string
	groups            []string
}

func reachOf(a actor.Actor) reach {
	switch {
	case a.Kind == actor.Operator, a.Kind == actor.System:
		return reach{everything: true}
	case a.Kind == actor.Person && a.ID != "":
		r := reach{person: a.ID}
		if a.Workspace != "" && a.WorkspaceRole != actor.None {
			r.workspace, r.groups = a.Workspace, a.Groups
		}
		return r
	}
	return reach{}
}

// args are the first parameters of every query about models that somebody may use.
func (r reach) args(more ...any) ([]any, error) {
	groups, err := jsonList(r.groups)
	if err != nil {
		return nil, err
	}
	return append([]any{r.everything, r.manages, r.person, r.workspace, groups}, more...), nil
}

// allowed is whether an actor may use the model m; its parameters are those of
// reach.args.
const allowed = `(?2 OR m.enabled AND (?1 OR ?3 <> '' AND (m.everyone OR EXISTS (SELECT 1 FROM model_access AS a WHERE a.model = m.id
	AND (a.subject_kind = 'person' AND a.subject = ?3 OR a.subject_kind = 'workspace' AND a.subject = ?4 AND ?4 <> ''
		OR a.subject_kind = 'group' AND a.subject IN (SELECT value FROM json_each(?5)))))))`

const modelColumns = `m.id, m.name, m.label, m.kind, m.enabled, m.everyone, m.context, m.temperature, m.created, m.changed,
	(SELECT json_group_array(alias) FROM model_alias WHERE model = m.id),
	(SELECT json_group_array(json_object('kind', subject_kind, 'id', subject)) FROM model_access WHERE model = m.id)`

// models lists the models an actor may use, by name, with their places; those
// of one name or alias where name is given.
func (s store) models(ctx context.Context, r reach, name string) ([]Model, error) {
	const list = `SELECT ` + modelColumns + ` FROM model AS m WHERE ` + allowed + `
		AND (?6 = '' OR m.name = ?6 OR m.id = (SELECT model FROM model_alias WHERE alias = ?6)) ORDER BY m.name`
	args, err := r.args(name)
	if err != nil {
		return nil, err
	}
	return s.list(ctx, list, args...)
}

// list reads models and then their places.
func (s store) list(ctx context.Context, query string, args ...any) ([]Model, error) {
	rows, err := s.db.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	defer rows.Close()
	var list []Model
	for rows.Next() {
		m, err := scanModel(rows)
		if err != nil {
			return nil, fmt.Errorf("list models: %w", err)
		}
		list = append(list, m)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	ids := make([]string, len(list))
	for i, m := range list {
		ids[i] = m.ID
	}
	places, err := s.places(ctx, ids)
	for i, m := range list {
		list[i].Places = places[m.ID]
	}
	return list, err
}

type scanner interface{ Scan(...any) error }

func scanModel(row scanner) (Model, error) {
	var m Model
	var kind, aliases, access string
	var created, changed int64
	if err := row.Scan(&m.ID, &m.Name, &m.Label, &kind, &m.Enabled, &m.Everyone, &m.Context, &m.Temperature, &created, &changed, &aliases, &access); err != nil {
		return m, err
	}
	m.Embedding = kind == kindEmbedding
	m.Created, m.Changed = moment(created), moment(changed)
	if err := json.Unmarshal([]byte(aliases), &m.Aliases); err != nil {
		return m, err
	}
	return m, json.Unmarshal([]byte(access), &m.Access)
}

// The kinds of model.
const (
	kindChat      = "chat"
	kindEmbedding = "embedding"
)

const placeColumns = `p.model, p.server, s.name, s.kind, s.flavour, s.enabled, p.name, p.capabilities, p.digest, p.family, p.parameters, p.quantization, p.size,
	p.context_max, p.context, p.slots, p.dimensions, p.loaded, p.loaded_context, p.seen, p.gone, coalesce(q.tokens_per_second, 0)`

// places are the places of models, by model.
func (s store) places(ctx context.Context, models []string) (map[string][]Place, error) {
	const list = `SELECT ` + placeColumns + ` FROM model_place AS p JOIN server AS s ON s.id = p.server
		LEFT JOIN model_pace AS q ON q.server = p.server AND q.model = p.name
		WHERE p.model IN (SELECT value FROM json_each(?)) ORDER BY s.fold`
	ids, err := jsonList(models)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Read().QueryContext(ctx, list, ids)
	if err != nil {
		return nil, fmt.Errorf("list places: %w", err)
	}
	defer rows.Close()
	places := map[string][]Place{}
	for rows.Next() {
		model, p, err := scanPlace(rows)
		if err != nil {
			return nil, fmt.Errorf("list places: %w", err)
		}
		places[model] = append(places[model], p)
	}
	return places, rows.Err()
}

func scanPlace(row scanner) (model string, p Place, err error) {
	var kind, capabilities string
	var seen, gone int64
	if err := row.Scan(&model, &p.Server, &p.ServerName, &kind, &p.Flavour, &p.Enabled, &p.Name, &capabilities, &p.Digest, &p.Family, &p.Parameters, &p.Quantization, &p.Size,
		&p.MaxContext, &p.Model.Context, &p.Slots, &p.Dimensions, &p.Loaded, &p.LoadedContext, &seen, &gone, &p.TokensPerSecond); err != nil {
		return "", p, err
	}
	p.Kind, p.Seen, p.Gone = inference.Kind(kind), moment(seen), moment(gone)
	var words []string
	if err := json.Unmarshal([]byte(capabilities), &words); err != nil {
		return "", p, err
	}
	has := func(word string) bool { return slices.Contains(words, word) }
	p.Embedding, p.Vision, p.Thinking, p.Tools = has("embedding"), has("vision"), has("thinking"), has("tools")
	return model, p, nil
}

// capabilities are the words of what a model can do.
func capabilities(m inference.Model) []string {
	words := []string{}
	for _, c := range []struct {
		word string
		has  bool
	}{{"embedding", m.Embedding}, {"vision", m.Vision}, {"thinking", m.Thinking}, {"tools", m.Tools}} {
		if c.has {
			words = append(words, c.word)
		}
	}
	return words
}

func jsonList(items []string) (string, error) {
	if items == nil {
		items = []string{}
	}
	text, err := json.Marshal(items)
	return string(text), err
}

// moment reads a time; zero where there is none.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
