package library

// The rights of an actor as expressions. The first seven parameters of every
// query with one of them come from Reach.args: reaches everything, workspace,
// person, groups, is a member, is a guest, manages. k is the knowledge base, d
// the document.
const (
	// rightOf is the right to the knowledge base. A deny wins over all that gives,
	// ownership too.
	rightOf = `CASE
	WHEN ?1 THEN 'edit'
	WHEN k.workspace <> ?2 THEN 'none'
	WHEN EXISTS (SELECT 1 FROM knowledge_access AS x WHERE x.knowledge = k.id AND x."right" = 'deny' AND (x.kind = 'person' AND x.subject = ?3
		OR x.kind = 'group' AND x.subject IN (SELECT value FROM json_each(?4)))) THEN 'none'
	WHEN k.owner = ?3 THEN iif(?6, 'read', 'edit')
	ELSE coalesce((SELECT iif(count(*) = 0, NULL, iif(?6, 'read', min(a."right"))) FROM knowledge_access AS a
		WHERE a.knowledge = k.id AND (a.kind = 'person' AND a.subject = ?3 OR a.kind = 'workspace' AND a.subject = ?2 AND ?5
			OR a.kind = 'group' AND a.subject IN (SELECT value FROM json_each(?4)))), 'none') END`

	// managedBy is whether the actor manages the knowledge base.
	managedBy = `(?1 OR k.workspace = ?2 AND (?7 OR k.owner = ?3 AND NOT ?6))`

	// admits is whether the document's own rules let the actor in, which is not
	// enough: the knowledge base must, too. Most documents have none.
	admits = `(d.guard = 0 OR ?1 OR NOT EXISTS (SELECT 1 FROM document_access AS x WHERE x.document = d.id AND x."right" = 'deny'
			AND (x.kind = 'person' AND x.subject = ?3 OR x.kind = 'group' AND x.subject IN (SELECT value FROM json_each(?4))))
		AND (d.guard = 1 OR EXISTS (SELECT 1 FROM document_access AS x WHERE x.document = d.id AND x."right" = 'allow'
			AND (x.kind = 'person' AND x.subject = ?3 OR x.kind = 'group' AND x.subject IN (SELECT value FROM json_each(?4))))))`

	// documentRight is the right to the document.
	documentRight = `iif(` + admits + `, ` + rightOf + `, 'none')`

	// documentManagedBy is whether the actor manages the document: who manages its
	// knowledge base, and who added it as long as they may edit there.
	documentManagedBy = `(` + managedBy + ` OR d.owner = ?3 AND ` + rightOf + ` = 'edit')`

	// knowsOf is whether a document of a knowledge base that is shown to the actor
	// is: it may be read, or it is managed.
	knowsOf = `(d.guard = 0 OR ` + admits + ` OR ` + documentManagedBy + `)`
)
