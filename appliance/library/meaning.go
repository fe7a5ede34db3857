package library

import (
	"context"
	"errors"
	"sync"
	"time"

	"chatets/appliance/encoder"
	"chatets/appliance/vector"
)

// encodeChunks is how many passages the encoder reads between two transactions:
// a fifth of a second of one core, or less.
const encodeChunks = 16

// dropRows is how many vectors that nobody asks for go in one transaction.
const dropRows = 200

// space is the one of the built-in encoder.
func space() vector.Space {
	return vector.Space{Model: encoder.ID, Dimension: encoder.Dimension}
}

// meansIn reports whether the built-in encoder, which learned English, has
// something to say about a text of a language; "" is too short to tell.
func meansIn(language string) bool { return language == "en" || language == "" }

func (l *Library) wakeEncoder() {
	for _, c := range []chan struct{}{l.toEncode, l.toRenew} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Run does what nobody waits for, until ctx ends: it renews what older versions
// indexed, gives passages their vectors, builds indexes with other models, and
// reads documents again. A document is found by its words meanwhile, and an
// index that is built anew by the old one.
func (l *Library) Run(ctx context.Context) error {
	ctx = aside(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { l.quiet.run(ctx) })
	work.Go(func() { l.repeat(ctx, l.toRenew, l.tendEditions) })
	l.repeat(ctx, l.toEncode, l.tend)
	return nil
}

// repeat does the work whenever it is woken, and again after a failure or when a
// base whose model was away is to be looked at.
func (l *Library) repeat(ctx context.Context, woken <-chan struct{}, work func(context.Context) error) {
	for {
		err := work(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := l.away.next(l.now())
		if err != nil {
			l.log.Error("passages cannot be brought up to date; trying again", "error", err)
			wait = time.Minute
		}
		var again <-chan time.Time
		if wait > 0 {
			again = time.After(wait)
		}
		select {
		case <-woken:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// tendEditions removes old editions of documents and builds new ones.
func (l *Library) tendEditions(ctx context.Context) error {
	if err := l.store.wishOld(ctx); err != nil {
		return err
	}
	for {
		tidied, err := l.tidy(ctx)
		if err != nil {
			return err
		}
		renewed, err := l.renewAll(ctx)
		if err != nil || !tidied && !renewed {
			return err
		}
	}
}

// tend does all that is to be done now, one piece after another: what was
// forgotten goes before what is new, and that before what answers already.
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
	if l.store.vectors == nil {
		return nil
	}
	for ctx.Err() == nil {
		did := false
		for _, step := range []func(context.Context) (bool, error){l.dropLeft, l.meanNew, l.build} {
			some, err := step(ctx)
			if err != nil {
				return err
			}
			if did = some; did {
				break
			}
		}
		if !did {
			return nil
		}
	}
	return ctx.Err()
}

// dropLeft removes some vectors that nobody asks for any more.
func (l *Library) dropLeft(ctx context.Context) (bool, error) {
	left, found, err := l.store.left(ctx)
	if err != nil || !found {
		return false, err
	}
	l.pause(ctx)
	return true, l.store.dropLeft(ctx, left, dropRows)
}

// meanNew gives the passages of some documents the vectors they miss.
func (l *Library) meanNew(ctx context.Context) (bool, error) {
	list, err := l.store.withoutMeaning(ctx, l.away.bases(l.now()), l.encoder == nil)
	if err != nil {
		return false, err
	}
	for _, d := range list {
		switch err := l.mean(ctx, d); {
		case err == nil:
			l.away.back(d.Knowledge)
			if err := l.learnFloor(ctx, d.Knowledge); err != nil {
				return false, err
			}
		case errors.Is(err, errGone):
		case isAway(err):
			l.away.gone(d.Knowledge, l.now())
		default:
			return false, err
		}
	}
	return len(list) > 0, nil
}

// mean gives the passages of one document their vectors: those its base is asked
// by, and those of the index that is being built. It goes on where it was
// interrupted: passages that have one are passed over.
func (l *Library) mean(ctx context.Context, d Document) error {
	x, err := l.store.index(ctx, d.Knowledge)
	if err != nil {
		return err
	}
	keep := func(ctx context.Context, m maker, entries []vector.Entry, _ int) error {
		return l.store.encoded(ctx, d, m, entries)
	}
	var away error
	for _, m := range x.makers() {
		switch err := l.encode(ctx, d, m, keep); {
		case err == nil:
		case isAway(err):
			away = errors.Join(away, err)
		case isRefused(err):
			l.log.Warn("an embedding model takes no passages of a document; it is found by its words", "document", d.ID, "model", m.name(), "error", err)
		default:
			return err
		}
	}
	if away != nil {
		return away
	}
	return l.store.markEncoded(ctx, d)
}

// keeping writes vectors of passages; n is how many passages they stand for.
type keeping func(ctx context.Context, m maker, entries []vector.Entry, n int) error

// encode makes the vectors of a document's passages that have none by this maker.
func (l *Library) encode(ctx context.Context, d Document, m maker, keep keeping) error {
	if !m.takes(d.Language) {
		return nil
	}
	after, err := l.store.vectors.Last(ctx, d.indexed(), m.space())
	if err != nil {
		return err
	}
	for {
		some, err := l.store.unencoded(ctx, d, after, encodeChunks)
		if err != nil || len(some) == 0 {
			return err
		}
		after = some[len(some)-1].Chunk
		texts := make([]string, len(some))
		for i, p := range some {
			texts[i] = Said(d.Title, p.Heading, p.Text)
		}
		l.pause(ctx)
		vectors, err := l.make(ctx, m, d.Owner, texts)
		if err != nil {
			return err
		}
		var entries []vector.Entry
		for i, v := range vectors {
			if Meant(v) {
				entries = append(entries, vector.Entry{Chunk: some[i].Chunk, Document: d.indexed(), Vector: v})
			}
		}
		if m.dimension == 0 && len(entries) > 0 {
			m.dimension = len(entries[0].Vector)
		}
		if err := keep(ctx, m, entries, len(some)); err != nil {
			return err
		}
	}
}

// meanEdition gives the passages of an edition that is being built the vectors
// its base is asked by.
func (l *Library) meanEdition(ctx context.Context, d, next Document) error {
	if l.store.vectors == nil {
		return nil
	}
	x, err := l.store.index(ctx, d.Knowledge)
	if err != nil || x.serving.builtIn() && l.encoder == nil {
		return err
	}
	err = l.encode(ctx, next, x.serving, func(ctx context.Context, m maker, entries []vector.Entry, _ int) error {
		return l.store.encodedEdition(ctx, d, m, entries)
	})
	if isRefused(err) {
		return nil // words find it, as they did before
	}
	return err
}
