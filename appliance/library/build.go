package library

import (
	"context"
	"errors"

	"chatets/appliance/vector"
)

// build goes on with an index that is built beside the one that answers, by one
// document, or swaps the two when it is whole:
//
//  1. Documents are taken in the order of their ids. What was reached is noted in
//     the transaction that writes a document's last vectors.
//  2. Documents that become ready meanwhile get both kinds of vectors; see mean.
//  3. One transaction makes the new index the one that answers, and notes the
//     vectors of the old one as left over.
//  4. Those are removed in small steps; see dropLeft.
//
// A kill anywhere leaves the old index or the new one answering, whole.
func (l *Library) build(ctx context.Context) (bool, error) {
	x, found, err := l.store.nextBuild(ctx, l.away.bases(l.now()))
	if err != nil || !found {
		return false, err
	}
	err = l.buildSome(ctx, x)
	switch {
	case err == nil, errors.Is(err, errGone):
		l.away.back(x.knowledge)
	case ctx.Err() != nil:
		return false, nil
	case isAway(err):
		l.away.gone(x.knowledge, l.now())
		_, reason, cure := reasonOf(err)
		if err := l.store.buildWaits(ctx, x, reason, cure, building); err != nil {
			return false, err
		}
	case isRefused(err):
		_, reason, cure := reasonOf(err)
		l.log.Warn("an index cannot be built with another embedding model; the old one goes on answering", "knowledge", x.knowledge, "error", err)
		if err := l.store.buildWaits(ctx, x, reason, cure, broken); err != nil {
			return false, err
		}
	default:
		return false, err
	}
	l.tell(x.workspace, "knowledge")
	return true, nil
}

func (l *Library) buildSome(ctx context.Context, x index) error {
	d, found, err := l.store.nextToBuild(ctx, x)
	if err != nil {
		return err
	}
	if !found {
		floor, err := l.floorOf(ctx, x.knowledge, x.next)
		if err != nil {
			return err
		}
		return l.store.swapIndex(ctx, x, floor)
	}
	done := 0
	err = l.encode(ctx, d, x.next, func(ctx context.Context, m maker, entries []vector.Entry, n int) error {
		done += n
		l.tell(x.workspace, "knowledge")
		return l.store.built(ctx, d, x, m, entries, n)
	})
	if err != nil && !errors.Is(err, errGone) {
		return err
	}
	// A document that was read again meanwhile is one of those without meaning, and
	// gets its vectors as such.
	return l.store.reached(ctx, x, d, max(d.Chunks-done, 0))
}

// Where the cosines of a model begin to mean something differs: what two passages
// have that were taken at random is chance. The floor lies as far above that as
// the built-in encoder's, which was measured, lies above its own. While there are
// too few passages to tell, a careful one is used.
const (
	chanceRows   = 64
	chanceLeast  = 16
	aboveChance  = 0.3
	carefulFloor = 0.6
)

// floorOf is from which cosine on a passage is near to a question; 0 = there is
// too little to tell.
func (l *Library) floorOf(ctx context.Context, base string, m maker) (float64, error) {
	if m.builtIn() {
		return nearFloor, nil
	}
	n, err := l.store.vectors.Count(ctx, base, m.space())
	if err != nil || n < chanceLeast {
		return 0, err
	}
	chance, err := l.store.vectors.Chance(ctx, base, m.space(), chanceRows)
	return max(chance, 0) + aboveChance*(1-max(chance, 0)), err
}

// learnFloor finds the floor of a base that had too few passages when its index
// was built.
func (l *Library) learnFloor(ctx context.Context, base string) error {
	x, err := l.store.index(ctx, base)
	if err != nil || x.serving.builtIn() || x.floor != 0 {
		return err
	}
	floor, err := l.floorOf(ctx, base, x.serving)
	if err != nil || floor == 0 {
		return err
	}
	return l.store.setFloor(ctx, x, floor)
}
