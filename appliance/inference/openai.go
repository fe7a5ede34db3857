package inference

func newOpenAI(l *link) Client { return &ollama{s: l} }
