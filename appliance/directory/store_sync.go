package directory

import (
	"context"
	"fmt"
	"slices"

	"chatets/appliance/account"
	"chatets/appliance/audit"
	"chatets/appliance/fault"
	"chatets/appliance/sqlite"
)

// links are all bonds of a directory by key.
func (s store) links(ctx context.Context, directory string) (map[string]link, error) {
	const list = `SELECT l.external_id, l.person, l.dn, l.digest, l.missing, l.disabled, p.name, p.disabled
		FROM directory_person AS l JOIN person AS p ON p.id = l.person WHERE l.directory = ?`
	rows, err := s.db.Read().QueryContext(ctx, list, directory)
	if err != nil {
		return nil, fmt.Errorf("people of a directory: %w", err)
	}
	defer rows.Close()
	links := map[string]link{}
	for rows.Next() {
		var key string
		var l link
		var digest []byte
		var missing int64
		if err := rows.Scan(&key, &l.person, &l.dn, &digest, &missing, &l.disabled, &l.name, &l.off); err != nil {
			return nil, err
		}
		l.digest, l.missing = string(digest), moment(missing)
		links[key] = l
	}
	return links, rows.Err()
}

// takeGroups makes the groups of the directory groups of its workspace.
func (s store) takeGroups(ctx context.Context, accounts *account.Accounts, d Directory, groups []dirGroup) (map[string]string, error) {
	all := make(map[string]string, len(groups))
	for part := range slices.Chunk(groups, batch) {
		var some map[string]string
		err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
			some = map[string]string{}
			for _, g := range part {
				if name := trimName(g.name); g.key != "" && name != "" {
					id, err := accounts.GroupFrom(ctx, tx, d.Workspace, d.Source(), g.key, name)
					if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
						continue // a name that nobody could read, or three that are taken
					}
					if err != nil {
						return err
					}
					some[g.key] = id
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for key, id := range some {
			all[key] = id
		}
	}
	return all, nil
}

// take writes people who are new or changed, all of them or, if the disk says
// no, none.
func (s store) take(ctx context.Context, accounts *account.Accounts, d Directory, groups map[string]string, links map[string]link, people []wanted) (SyncResult, error) {
	var r SyncResult
	err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
		r = SyncResult{} // this function may run twice
		for _, w := range people {
			if _, err := s.takeOne(ctx, tx, accounts, d, groups, links, w, &r); err != nil {
				return err
			}
		}
		return nil
	})
	return r, err
}

// takeOne writes one person and returns its id, "" where it was left out.
func (s store) takeOne(ctx context.Context, tx *sqlite.Tx, accounts *account.Accounts, d Directory, groups map[string]string, links map[string]link, w wanted, r *SyncResult) (string, error) {
	had, known := links[w.key]
	id, off, changed := had.person, had.disabled, false
	if !known {
		p, err := account.InsertPerson(ctx, tx, account.NewPerson{Email: w.email, Name: w.name, Source: d.Source(), ExternalID: w.key, Role: w.installation})
		if fault.Of(err).Code == "email-taken" {
			r.problem(w.dn, taken)
			return "", nil
		}
		if err != nil {
			return "", err
		}
		id = p.ID
		r.Added++
		e := audit.Entry{Act: "person.add", ObjectKind: "person", Object: id, Workspace: d.Workspace, Detail: map[string]any{"directory": d.ID, "role": string(w.installation)}}
		if err := s.audit.Record(ctx, tx, e); err != nil {
			return "", err
		}
	} else {
		f := account.Followed{Email: &w.email, Name: &w.name}
		if d.givesInstallationRoles() {
			f.Installation = &w.installation
		}
		yes, no := true, false
		switch {
		case w.why != "" && !had.off:
			f.Disabled, off = &yes, true
			r.Disabled++
		case w.why == "" && had.disabled:
			f.Disabled, off = &no, false
			r.Enabled++
		}
		did, err := accounts.Follow(ctx, tx, id, f)
		if fault.Of(err).Code == "email-taken" {
			r.problem(w.dn, taken)
			f.Email = nil
			did, err = accounts.Follow(ctx, tx, id, f)
		}
		if err != nil {
			return "", err
		}
		changed = did && f.Disabled == nil
	}
	if err := account.SetLogins(ctx, tx, id, w.logins); err != nil {
		return "", err
	}
	placed, err := accounts.PlaceFrom(ctx, tx, d.Source(), id, w.places)
	if err != nil {
		return "", err
	}
	list := make([]string, 0, len(w.groups))
	for _, key := range w.groups {
		if group, found := groups[key]; found {
			list = append(list, group)
		}
	}
	moved, err := account.GroupsFrom(ctx, tx, d.Workspace, d.Source(), id, list)
	if err != nil {
		return "", err
	}
	if known && (changed || placed || moved || had.dn != w.dn) {
		r.Changed++
	}
	const put = `INSERT INTO directory_person (directory, external_id, person, dn, digest, missing, disabled) VALUES (?, ?, ?, ?, ?, 0, ?)
		ON CONFLICT (directory, external_id) DO UPDATE SET dn = excluded.dn, digest = excluded.digest, missing = 0, disabled = excluded.disabled`
	_, err = tx.Exec(ctx, put, d.ID, w.key, id, w.dn, w.digest(), off)
	return id, err
}

// givesInstallationRoles reports whether the directory decides who administers.
func (d Directory) givesInstallationRoles() bool {
	return slices.ContainsFunc(d.Settings.Rules, func(r GroupRule) bool { return r.Installation != "" })
}

// leave disables who is gone, and notes since when others are missing.
func (s store) leave(ctx context.Context, accounts *account.Accounts, d Directory, links map[string]link, over, begins []string) (int, error) {
	disabled := 0
	for part := range slices.Chunk(over, batch) {
		n := 0
		err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
			n = 0
			for _, key := range part {
				yes := true
				did, err := accounts.Follow(ctx, tx, links[key].person, account.Followed{Disabled: &yes})
				if err != nil {
					return err
				}
				if did {
					n++
				}
				const note = `UPDATE directory_person SET disabled = 1, digest = x'', missing = CASE missing WHEN 0 THEN ? ELSE missing END WHERE directory = ? AND external_id = ?`
				if _, err := tx.Exec(ctx, note, tx.Now.UnixMilli(), d.ID, key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return disabled, err
		}
		disabled += n
	}
	for part := range slices.Chunk(begins, batch) {
		err := s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) error {
			for _, key := range part {
				if _, err := tx.Exec(ctx, `UPDATE directory_person SET missing = ? WHERE directory = ? AND external_id = ?`, tx.Now.UnixMilli(), d.ID, key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return disabled, err
		}
	}
	return disabled, nil
}

// admit writes one person who has just signed in with the directory's password,
// and returns the id; "" where the entry cannot come in.
func (s store) admit(ctx context.Context, accounts *account.Accounts, d Directory, g *graph, w wanted) (string, error) {
	links, err := s.linkOf(ctx, d.ID, w.key)
	if err != nil {
		return "", err
	}
	if had, known := links[w.key]; known && had.digest == string(w.digest()) && had.missing.IsZero() {
		return had.person, nil
	}
	var groups map[string]string
	if d.Settings.Groups {
		if groups, err = s.takeGroups(ctx, accounts, d, g.groups); err != nil {
			return "", err
		}
	}
	id := ""
	err = s.db.Update(ctx, func(ctx context.Context, tx *sqlite.Tx) (err error) {
		id, err = s.takeOne(ctx, tx, accounts, d, groups, links, w, &SyncResult{})
		return err
	})
	return id, err
}

func (s store) linkOf(ctx context.Context, directory, key string) (map[string]link, error) {
	const one = `SELECT l.person, l.dn, l.digest, l.missing, l.disabled, p.name, p.disabled
		FROM directory_person AS l JOIN person AS p ON p.id = l.person WHERE l.directory = ? AND l.external_id = ?`
	rows, err := s.db.Read().QueryContext(ctx, one, directory, key)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	links := map[string]link{}
	for rows.Next() {
		var l link
		var digest []byte
		var missing int64
		if err := rows.Scan(&l.person, &l.dn, &digest, &missing, &l.disabled, &l.name, &l.off); err != nil {
			return nil, err
		}
		l.digest, l.missing = string(digest), moment(missing)
		links[key] = l
	}
	return links, rows.Err()
}
