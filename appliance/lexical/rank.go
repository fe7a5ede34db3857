package lexical

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// What a score is made of. k1 and slope are BM25's own; the others were chosen by
// measuring with scripts/bench/retrieval.
const (
	k1            = 1.2
	slope         = 0.75 // how much the length of a passage counts
	titleWeight   = 1.5
	headingWeight = 1.2
	codeBoost     = 3.0  // a part number that is right outweighs words that fit
	pairBoost     = 0.4  // neighbours of the question are neighbours in the passage
	unknownGram   = 0.3  // pairs that are nowhere: most straddle two words of the question
	extraShare    = 0.15 // "read-back" as readback, besides read and back
	asideShare    = 0.3  // "long" in "how long"
	kinShare      = 0.8  // another form of the word
)

// Candidates are found by needs that stand in no more than a tenth of the
// passages and by the four rarest in any case, but beyond the second only while
// there are not too many rows to rank.
const (
	common      = 0.1
	enoughNeeds = 4
	manyRows    = 1500
	crowdRows   = 20_000 // from here on passages are asked for that hold all of the needs
)

// ranker scores passages for one question in one set of bases.
type ranker struct {
	needs    []need
	passages float64 // in the bases, without those that may not be seen
	all      float64 // in the index
	average  float64 // words a passage
	total    float64 // weight of all needs in coverage
	most     float64 // more than all needs together can score
}

// newRanker counts how rare the question's terms are in what may be seen of the
// bases and keeps the rarest needs of an overlong question.
func newRanker(ctx context.Context, db *sql.DB, q Query, asked question) (*ranker, error) {
	scope, err := json.Marshal(q.Bases)
	if err != nil {
		return nil, err
	}
	r := &ranker{needs: asked.needs}
	var words float64
	const size = `SELECT coalesce(sum(passages), 0), coalesce(sum(words), 0), (SELECT coalesce(sum(passages), 0) FROM lexical_base)
		FROM lexical_base WHERE base IN (SELECT value FROM json_each(?))`
	if err := db.QueryRowContext(ctx, size, string(scope)).Scan(&r.passages, &words, &r.all); err != nil {
		return nil, fmt.Errorf("count the passages: %w", err)
	}
	var terms []string
	for _, n := range r.needs {
		terms = slices.Concat(terms, []string{n.term}, n.or, n.kin)
		for _, p := range n.parts {
			terms = append(terms, p.front, p.back)
		}
	}
	list, err := json.Marshal(terms)
	if err != nil {
		return nil, err
	}
	const rarity = `SELECT term, sum(passages) FROM lexical_term
		WHERE term IN (SELECT value FROM json_each(?)) AND base IN (SELECT value FROM json_each(?)) GROUP BY term`
	rows, err := db.QueryContext(ctx, rarity, string(list), string(scope))
	if err != nil {
		return nil, fmt.Errorf("count the terms: %w", err)
	}
	defer rows.Close()
	holding := map[string]float64{}
	for rows.Next() {
		var term string
		var n float64
		if err := rows.Scan(&term, &n); err != nil {
			return nil, err
		}
		holding[term] = n
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	if err := r.without(ctx, db, q, &words, holding); err != nil {
		return nil, err
	}
	r.average = max(1, words/max(1, r.passages))
	r.weigh(holding)
	return r, nil
}

// weigh gives every need its rarity.
func (r *ranker) weigh(holding map[string]float64) {
	for i := range r.needs {
		n := &r.needs[i]
		df := holding[n.term]
		for _, t := range n.or {
			df = max(df, holding[t])
		}
		n.kin = slices.DeleteFunc(n.kin, func(t string) bool { return holding[t] == 0 })
		for _, t := range n.kin {
			df = max(df, holding[t])
		}
		n.parts = best(n.parts, holding)
		parted := 0.0
		for _, p := range n.parts {
			parted = min(holding[p.front], holding[p.back])
		}
		if n.prefix {
			df = max(df, r.passages/4)
		}
		n.held, n.rows = df, df+parted
		n.rarity = math.Log(1 + (r.passages-df+0.5)/(df+0.5))
		n.weight = n.rarity
		if n.form == gram && df == 0 {
			n.weight *= unknownGram // most of these straddle two words
		}
		switch {
		case n.code:
			n.rarity *= codeBoost
		case n.extra:
			n.rarity *= extraShare
			n.weight = 0
		case n.aside:
			n.rarity *= asideShare
			n.weight *= asideShare
		}
	}
	if len(r.needs) > maxNeeds {
		// What is nowhere finds nothing; it must not crowd out what is somewhere.
		slices.SortStableFunc(r.needs, func(a, b need) int {
			if (a.held > 0) != (b.held > 0) {
				return cmp.Compare(min(b.held, 1), min(a.held, 1))
			}
			return cmp.Compare(b.rarity, a.rarity)
		})
		r.needs = r.needs[:maxNeeds]
	}
	for _, n := range r.needs {
		r.total += n.weight
		r.most += n.rarity * (k1 + 1 + pairBoost)
	}
}

// best is the place to part a compound whose two sides are known best.
func best(parts []compound, holding map[string]float64) []compound {
	var found []compound
	most := 0.0
	for _, p := range parts {
		if known := min(holding[p.front], holding[p.back]); known > most {
			most, found = known, []compound{p}
		}
	}
	return found
}

// telling are the needs by which candidates are found: the rare ones. Words that
// stand in every tenth passage and more cost most of the time and decide little,
// so they only come in where there are few others; the score counts them all.
func (r *ranker) telling() []need {
	list := slices.Clone(r.needs)
	known := slices.ContainsFunc(list, func(n need) bool { return n.held > 0 })
	for i := range list {
		if n := &list[i]; known && n.rows-n.held > manyRows {
			n.parts, n.rows = nil, n.held // common words that stand in one passage say little
		}
	}
	slices.SortStableFunc(list, func(a, b need) int { return cmp.Compare(a.held, b.held) })
	n, rows := 0, 0.0
	for n < len(list) && (n < enoughNeeds || list[n].held <= r.passages*common) && (n < 2 || rows+list[n].rows <= manyRows) {
		rows += list[n].rows
		n++
	}
	return list[:n]
}

// crowd reports needs that so many passages hold that ranking them all would
// take long, while those that hold all of them are enough.
func (r *ranker) crowd(list []need) bool {
	rows := 0.0
	for _, n := range list {
		rows += n.held
	}
	return len(list) > 1 && rows > crowdRows
}

// rank scores the candidates, best first, each once.
func (r *ranker) rank(found []candidate, exact bool, k int) []Hit {
	hits := make([]Hit, 0, len(found))
	seen := map[int64]bool{}
	for _, c := range found {
		if seen[c.chunk] {
			continue
		}
		seen[c.chunk] = true
		score, coverage := r.score(c)
		if exact {
			coverage = (1 + coverage) / 2 // what stood in quotation marks is half of what was asked
		}
		hits = append(hits, Hit{Chunk: c.chunk, Score: score, Coverage: coverage})
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Chunk, b.Chunk)) })
	return hits[:min(k, len(hits))]
}

// score is BM25 over the fields, with a little more for neighbours of the
// question that are neighbours in the passage.
func (r *ranker) score(c candidate) (score, coverage float64) {
	long := k1 * (1 - slope + slope*float64(c.words())/r.average)
	for _, n := range r.needs {
		times := n.count(c.title)*titleWeight + n.count(c.heading)*headingWeight + n.count(c.text)
		if n.form == join || len(n.or) > 0 {
			times = max(times, n.count(c.code))
		}
		times = max(times, n.related(c.code))
		if times == 0 {
			continue
		}
		score += n.rarity * times * (k1 + 1) / (times + long)
		coverage += n.weight
		if n.telltale(r.passages) {
			score += r.most // before all that only share words
		}
		if n.pair != "" && (occurrences(c.text, n.pair, false) > 0 || occurrences(c.title, n.pair, false) > 0 || occurrences(c.heading, n.pair, false) > 0) {
			score += pairBoost * n.rarity
		}
	}
	if r.total > 0 {
		coverage /= r.total
	}
	return score, coverage
}

// count is how often the need is met in a field.
func (n need) count(field string) float64 {
	if field == "" {
		return 0
	}
	times := occurrences(field, n.term, n.prefix)
	for _, t := range n.or {
		times += occurrences(field, t, false)
	}
	if n.phrase != "" {
		times += occurrences(field, n.phrase, false)
	}
	return float64(times)
}

// related is how much of the word's other forms and of its parts is among the
// codes of a passage.
func (n need) related(code string) float64 {
	times := 0
	for _, t := range n.kin {
		times = max(times, occurrences(code, t, false))
	}
	for _, p := range n.parts {
		times = max(times, min(occurrences(code, p.front, false), occurrences(code, p.back, false)))
	}
	return float64(times) * kinShare
}

// occurrences counts a term, or terms that stand together, in a field of terms
// with one space between.
func occurrences(field, term string, prefix bool) int {
	n := 0
	for at := 0; ; {
		i := strings.Index(field[at:], term)
		if i < 0 {
			return n
		}
		i += at
		end := i + len(term)
		if (i == 0 || field[i-1] == ' ') && (prefix || end == len(field) || field[end] == ' ') {
			n++
		}
		at = end
	}
}
