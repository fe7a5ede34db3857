package library

import (
	"context"
	"errors"
	"time"

	"chatets/appliance/encoder"
	"chatets/appliance/extract"
	"chatets/appliance/fault"
	"chatets/appliance/lexical"
	"chatets/appliance/vector"
)

// encodeChunks is how many passages the encoder reads between two transactions:
// a fifth of a second of one core, or less.
const encodeChunks = 16

// space is the one of the built-in encoder.
func space() vector.Space {
	return vector.Space{Model: encoder.ID, Dimension: encoder.Dimension}
}

// meansIn reports whether the built-in encoder, which learned English, has
// something to say about a text of a language; "" is too short to tell.
func meansIn(language string) bool { return language == "en" || language == "" }

func (l *Library) wakeEncoder() {
	select {
	case l.toEncode <- struct{}{}:
	default:
	}
}

// Run renews what older versions indexed and gives the passages of new documents
// their vectors, until ctx ends. A document is found by its words meanwhile.
func (l *Library) Run(ctx context.Context) error {
	for {
		err := l.tend(ctx)
		var again <-chan time.Time
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			l.log.Error("passages cannot be brought up to date; trying again", "error", err)
			again = time.After(time.Minute)
		}
		select {
		case <-l.toEncode:
		case <-again:
		case <-ctx.Done():
			return nil
		}
	}
}

// tend does all that is to be done now.
func (l *Library) tend(ctx context.Context) error {
	for {
		n, err := l.store.renew(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	if l.encoder == nil || l.store.vectors == nil {
		return nil
	}
	for {
		list, err := l.store.withoutMeaning(ctx)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, d := range list {
			if err := l.mean(ctx, d); err != nil && !errors.Is(err, errGone) {
				return err
			}
		}
	}
}

// mean gives the passages of one document their vectors. It goes on where it was
// interrupted: passages that have one are passed over.
func (l *Library) mean(ctx context.Context, d Document) error {
	if meansIn(d.Language) {
		after, err := l.store.vectors.Last(ctx, d.ID, space())
		if err != nil {
			return err
		}
		for {
			some, err := l.store.unencoded(ctx, d.ID, after, encodeChunks)
			if err != nil {
				return err
			}
			if len(some) == 0 {
				break
			}
			after = some[len(some)-1].Chunk
			texts := make([]string, len(some))
			for i, p := range some {
				texts[i] = Said(d.Title, p.Heading, p.Text)
			}
			vectors, err := l.encoder.Embed(ctx, texts)
			if err != nil {
				return err
			}
			var entries []vector.Entry
			for i, v := range vectors {
				if Meant(v) {
					entries = append(entries, vector.Entry{Chunk: some[i].Chunk, Document: d.ID, Vector: v})
				}
			}
			if err := l.store.encoded(ctx, d, entries); err != nil {
				return err
			}
		}
	}
	return l.store.markEncoded(ctx, d)
}

// ranked finds the passages that fit a question, by words and by meaning.
// What may not be found is left out before either ranks, and counts for nothing.
func (l *Library) ranked(ctx context.Context, who Reach, q Question, bases []string) ([]Fused, error) {
	denied, err := l.store.denied(ctx, who, bases)
	if err != nil {
		return nil, err
	}
	var only []string // nil = all documents
	if !q.Filter.Empty() {
		if only, err = l.store.chosen(ctx, who, bases, q.Filter); err != nil || len(only) == 0 {
			return nil, err
		}
	}
	without, err := l.store.disabled(ctx, bases)
	if err != nil {
		return nil, err
	}
	words, err := l.store.worded(ctx, lexical.Query{Text: q.Text, Bases: bases, Documents: only, Denied: denied, Without: without, K: max(Depth, q.K)})
	if err != nil {
		return nil, err
	}
	near, err := l.near(ctx, q, vector.Query{Bases: bases, Documents: only, Denied: denied, Without: without, K: max(Depth, q.K)})
	if err != nil {
		return nil, err
	}
	return Fuse(words, near, q.K), nil
}

// near finds passages by meaning. While the index is being loaded words answer
// alone.
func (l *Library) near(ctx context.Context, q Question, in vector.Query) ([]vector.Hit, error) {
	if l.encoder == nil || l.store.vectors == nil || !meansIn(extract.Language(q.Text)) {
		return nil, nil
	}
	vectors, err := l.encoder.Embed(ctx, []string{q.Text})
	if err != nil || !Meant(vectors[0]) {
		return nil, err
	}
	in.Space, in.Vector = space(), vectors[0]
	hits, err := l.store.vectors.Search(ctx, in)
	if fault.Of(err).Code == "index-loading" {
		return nil, nil
	}
	return hits, err
}
