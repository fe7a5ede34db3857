package library

import (
	"context"
	"encoding/json"

	"chatets/appliance/fault"
)

// Indexing is what is being built anew in a base while the old index answers.
type Indexing struct {
	State       string // "building", "failed" or "renewing"; "" = nothing is
	Done, Total int64  // passages of a build, documents that are read again
}

// indexingColumn is what is being built anew in the knowledge base k.
const indexingColumn = `coalesce((SELECT json_array(x.build, x.done, x.total, x.renewals,
	(SELECT count(*) FROM document_renewal AS r WHERE r.knowledge = k.id AND r.state = 'waiting')) FROM knowledge_index AS x WHERE x.knowledge = k.id), '')`

// indexingOf reads the indexingColumn.
func indexingOf(text string) (Indexing, error) {
	if text == "" {
		return Indexing{}, nil
	}
	var build string
	var done, total, renewals, waiting int64
	if err := json.Unmarshal([]byte(text), &[]any{&build, &done, &total, &renewals, &waiting}); err != nil {
		return Indexing{}, err
	}
	switch {
	case waiting > 0:
		return Indexing{State: "renewing", Done: max(renewals-waiting, 0), Total: max(renewals, waiting)}, nil
	case build != resting:
		return Indexing{State: build, Done: done, Total: total}, nil
	}
	return Indexing{}, nil
}

// Renewal says that a document is read again while its old passages answer, or
// why it could not be.
type Renewal struct {
	State        string // "waiting" or "failed"; "" = neither
	Reason, Cure string // also of what waits because a model is away
}

// renewalColumn is the Renewal of the document d.
const renewalColumn = `coalesce((SELECT json_array(r.state, r.reason, r.cure) FROM document_renewal AS r WHERE r.document = d.id), '')`

func renewalOf(text string) (Renewal, error) {
	var r Renewal
	if text == "" {
		return r, nil
	}
	return r, json.Unmarshal([]byte(text), &[]any{&r.State, &r.Reason, &r.Cure})
}

// Index says by what a base is compared and what is being built beside it.
type Index struct {
	Model     string // BuiltIn or the name of a model
	Dimension int    // of its vectors; 0 = there are none yet
	Vectors   int
	Passages  int64 // of documents that are ready
	English   bool  // the model compares English only
	Foreign   int64 // passages that it therefore does not compare
	Away      Note  // why questions are not compared by meaning now; no Reason = they are
	Next      string
	Build     string // "", "building" or "failed"
	Done      int64  // passages
	Total     int64
	Reason    string // why the build waits or failed
	Cure      string
	Renewed   int64 // documents
	Renewals  int64
	Failures  int64 // documents that could not be read again
	Choices   []EmbeddingChoice
}

// EmbeddingChoice is a model that a base can be compared by.
type EmbeddingChoice struct{ Model, Label string }

// Index is how a base that who may edit is indexed.
func (l *Library) Index(ctx context.Context, who Reach, id string) (Index, error) {
	k, err := l.editable(ctx, who, id, "knowledge.index")
	if err != nil {
		return Index{}, err
	}
	x, err := l.store.index(ctx, k.ID)
	if err != nil {
		return Index{}, err
	}
	out := Index{Model: x.serving.name(), Dimension: x.serving.space().Dimension, English: x.serving.builtIn(), Build: x.build, Done: x.done, Total: x.total,
		Reason: x.reason, Cure: x.cure}
	if x.build != resting {
		out.Next = x.next.name()
	}
	if l.store.vectors != nil {
		if out.Vectors, err = l.store.vectors.Count(ctx, k.ID, x.serving.space()); err != nil {
			return Index{}, err
		}
	}
	sizes, err := l.store.sizes(ctx, k.ID)
	if err != nil {
		return Index{}, err
	}
	out.Passages, out.Failures = sizes.passages, sizes.failed
	if out.English {
		out.Foreign = sizes.foreign
	}
	if sizes.waiting > 0 {
		out.Renewals = max(int64(x.renewals), sizes.waiting)
		out.Renewed = out.Renewals - sizes.waiting
	}
	out.Away = l.awayNote(ctx, x)
	if l.encoder != nil {
		out.Choices = append(out.Choices, EmbeddingChoice{Model: BuiltIn})
	}
	if l.models != nil {
		list, err := l.models.Embedders(ctx, who.who)
		if err != nil {
			return Index{}, err
		}
		for _, e := range list {
			out.Choices = append(out.Choices, EmbeddingChoice{Model: e.Name, Label: e.Label})
		}
	}
	return out, nil
}

// awayNote says why questions cannot be compared by the model of an index.
func (l *Library) awayNote(ctx context.Context, x index) Note {
	var err error
	switch {
	case x.serving.builtIn() && l.encoder == nil:
		err = noEncoder()
	case x.serving.builtIn():
	case l.models == nil:
		err = noModels()
	default:
		_, err = l.models.Embedder(ctx, system(), x.serving.model, x.serving.digest)
	}
	if err == nil {
		return Note{}
	}
	told := fault.Of(err)
	return Note{Knowledge: []string{x.knowledge}, Reason: told.Sentence, Cure: told.Cure}
}

// SetEmbedding has a base that who may edit compared by another model: BuiltIn,
// or one that who may use. Its vectors are built in the background; until then the
// old ones answer.
func (l *Library) SetEmbedding(ctx context.Context, who Reach, id, name string) (Index, error) {
	k, err := l.editable(ctx, who, id, "knowledge.embedding")
	if err != nil {
		return Index{}, err
	}
	m, err := l.chosen(ctx, who, name)
	if err != nil {
		return Index{}, err
	}
	if err := l.store.beginBuild(ctx, who, k, m); err != nil {
		return Index{}, err
	}
	l.again(k)
	return l.Index(ctx, who, id)
}

// again wakes what works in the background for a base, whose model may be back.
func (l *Library) again(k Knowledge) {
	l.away.back(k.ID)
	l.wakeEncoder()
	l.tell(k.Workspace, "knowledge", "document")
}

// chosen is the maker of a name.
func (l *Library) chosen(ctx context.Context, who Reach, name string) (maker, error) {
	switch {
	case name == BuiltIn && l.encoder == nil:
		return maker{}, noEncoder()
	case name == BuiltIn:
		return maker{}, nil
	case l.models == nil:
		return maker{}, noModels()
	}
	e, err := l.models.Embedder(ctx, who.who, name, "")
	return maker{model: e.Name, digest: e.Digest}, err
}

// Reindex has all documents of a base that who may edit read again, and its
// vectors built anew where the model was replaced under its name. The old index
// answers until each of them is done.
func (l *Library) Reindex(ctx context.Context, who Reach, id string) (Index, error) {
	k, err := l.editable(ctx, who, id, "knowledge.reindex")
	if err != nil {
		return Index{}, err
	}
	x, err := l.store.index(ctx, k.ID)
	if err != nil {
		return Index{}, err
	}
	if x.build != resting {
		// What failed or waits is begun again, where it stopped.
		if err := l.store.beginBuild(ctx, who, k, x.next); err != nil {
			return Index{}, err
		}
	} else if !x.serving.builtIn() {
		m, err := l.chosen(ctx, ReachOf(system()), x.serving.model)
		if err == nil && m.digest != x.serving.digest {
			err = l.store.beginBuild(ctx, who, k, m)
		} else if err != nil {
			err = nil // its server is away; documents can be read again all the same
		}
		if err != nil {
			return Index{}, err
		}
	}
	if err := l.store.renewBase(ctx, who, k); err != nil {
		return Index{}, err
	}
	l.again(k)
	return l.Index(ctx, who, id)
}

// StopIndexing gives up what is being built anew in a base that who may edit. The
// index that answers stays.
func (l *Library) StopIndexing(ctx context.Context, who Reach, id string) (Index, error) {
	k, err := l.editable(ctx, who, id, "knowledge.reindex-cancel")
	if err != nil {
		return Index{}, err
	}
	if err := l.store.stopIndexing(ctx, who, k); err != nil {
		return Index{}, err
	}
	l.again(k)
	return l.Index(ctx, who, id)
}

// ReindexDocument has a document read again while its passages answer.
func (l *Library) ReindexDocument(ctx context.Context, who Reach, id string) (Document, error) {
	return l.renewal(ctx, who, id, "document.reindex", l.store.wishRenewal)
}

// StopReindex gives up reading a document again; its passages stay.
func (l *Library) StopReindex(ctx context.Context, who Reach, id string) (Document, error) {
	return l.renewal(ctx, who, id, "document.reindex-cancel", l.store.dropRenewal)
}

func (l *Library) renewal(ctx context.Context, who Reach, id, act string, do func(context.Context, Reach, Document) error) (Document, error) {
	d, err := l.documentFor(ctx, who, id, Edit, act)
	if err != nil {
		return Document{}, err
	}
	if err := do(ctx, who, d); err != nil {
		return Document{}, err
	}
	l.away.back(d.Knowledge)
	l.wakeEncoder()
	l.tell(d.Workspace, "document", "knowledge")
	return l.store.document(ctx, who, id)
}
