package secret

// Reopen opens a copy of keys.json, as a backup has it, with the master key of
// the running service. It changes nothing; one that is sealed under another
// master key, or damaged, is refused.
func (s *Store) Reopen(text []byte) (*Keyring, error) {
	doc, err := parse(text)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in, err := doc.open(s.master)
	if err != nil {
		return nil, err
	}
	ring, err := newKeyring(in.Names, in.Current, in.byNumber())
	if err != nil {
		return nil, err
	}
	ring.scopes.Store(&in.Scopes)
	return ring, nil
}
