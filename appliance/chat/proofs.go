package chat

import (
	"sync"

	"chatets/appliance/library"
)

// proofsMost is how many passages are kept in a generation: two of them, some
// 20 KB each, are ten megabytes at most.
const proofsMost = 256

// proofs keep what was found out about passages: the same ones answer many
// questions. They are told apart by their words, so a change is another passage.
type proofs struct {
	mu         sync.Mutex
	young, old map[page]*proof
}

// of is the prover of the passages of an answer.
func (s *proofs) of(passages []library.Passage) *prover {
	p := &prover{passages: make([]*proof, len(passages))}
	for i := range passages {
		page := pageOf(passages[i])
		f := s.known(page)
		if f == nil {
			f = newProof(page)
			s.keep(page, f)
		}
		p.passages[i] = f
	}
	return p
}

func (s *proofs) known(p page) *proof {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.young[p]; f != nil {
		return f
	}
	f := s.old[p]
	if f != nil {
		s.put(p, f)
	}
	return f
}

func (s *proofs) keep(p page, f *proof) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(p, f)
}

func (s *proofs) put(p page, f *proof) {
	if s.young == nil || len(s.young) >= proofsMost {
		s.young, s.old = make(map[page]*proof, proofsMost/4), s.young
	}
	s.young[p] = f
}
