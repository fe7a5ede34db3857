package model

import (
	"context"
	"fmt"

	"chatets/appliance/actor"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

func noModelID(id string) error {
	return fault.New(fault.NotFound, "There is no model %s.", shown(id)).Code("no-model").Cure("It may be gone with its server; look at the list again.")
}

// model is one model with its places, whoever may use it.
func (s store) model(ctx context.Context, id string) (Model, error) {
	list, err := s.list(ctx, `SELECT `+modelColumns+` FROM model AS m WHERE m.id = ?`, id)
	if err == nil && len(list) == 0 {
		err = noModelID(id)
	}
	if err != nil {
		return Model{}, err
	}
	return list[0], nil
}

// changeModel writes all of a model that a person changes.
func (s store) changeModel(ctx context.Context, m Model, entry audit.Entry) error {
	const update = `UPDATE model SET label = ?, enabled = ?, everyone = ?, context = ?, temperature = ?, changed = ? WHERE id = ?`
	return s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		done, err := tx.Exec(ctx, update, m.Label, m.Enabled, m.Everyone, m.Context, m.Temperature, tx.Now.UnixMilli(), m.ID)
		if err := touched(done, err, noModelID(m.ID)); err != nil {
			return err
		}
		if err := putAliases(ctx, tx, m); err != nil {
			return err
		}
		if err := putAccess(ctx, tx, m); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, entry)
	})
}

func putAliases(ctx context.Context, tx *sqlite.Tx, m Model) error {
	if _, err := tx.Exec(ctx, `DELETE FROM model_alias WHERE model = ?`, m.ID); err != nil {
		return err
	}
	who := actor.From(ctx)
	for _, alias := range m.Aliases {
		var taken bool
		const find = `SELECT EXISTS (SELECT 1 FROM model_alias WHERE alias = ?1) OR EXISTS (SELECT 1 FROM model WHERE name = ?1)`
		if err := tx.QueryRow(ctx, find, alias).Scan(&taken); err != nil {
			return err
		}
		if taken {
			sentence := fmt.Sprintf("Another model goes by %s.", shown(alias))
			return fault.New(fault.Conflict, "%s", sentence).Code("name-taken").Cure("Choose another alias.").With(fault.Detail{Field: "body.aliases", Sentence: sentence})
		}
		if _, err := tx.Exec(ctx, `INSERT INTO model_alias (alias, model, workspace, owner, created) VALUES (?, ?, ?, ?, ?)`,
			alias, m.ID, who.Workspace, who.ID, tx.Now.UnixMilli()); err != nil {
			return fmt.Errorf("put an alias: %w", err)
		}
	}
	return nil
}

func putAccess(ctx context.Context, tx *sqlite.Tx, m Model) error {
	if _, err := tx.Exec(ctx, `DELETE FROM model_access WHERE model = ?`, m.ID); err != nil {
		return err
	}
	who := actor.From(ctx)
	for _, a := range m.Access {
		if _, err := tx.Exec(ctx, `INSERT INTO model_access (model, subject_kind, subject, workspace, owner, created) VALUES (?, ?, ?, ?, ?, ?)`,
			m.ID, a.Kind, a.ID, who.Workspace, who.ID, tx.Now.UnixMilli()); err != nil {
			return fmt.Errorf("give access: %w", err)
		}
	}
	return nil
}
