package inference

func newAnthropic(l *link) Client { return &ollama{s: l} }
