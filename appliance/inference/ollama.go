package inference

import (
	"context"
	"errors"
)

type ollama struct{ s *link }

func newOllama(l *link) Client { return &ollama{s: l} }

var errSoon = errors.New("not there yet")

func (o *ollama) Probe(ctx context.Context) (Health, error)                 { return Health{}, errSoon }
func (o *ollama) Models(ctx context.Context) ([]Model, error)               { return nil, errSoon }
func (o *ollama) Loaded(ctx context.Context) ([]Loaded, bool, error)        { return nil, false, errSoon }
func (o *ollama) Load(ctx context.Context, model string, context int) error { return errSoon }
func (o *ollama) Unload(ctx context.Context, model string) error            { return errSoon }
func (o *ollama) Chat(ctx context.Context, r Request, out Sink) (Result, error) {
	return Result{}, errSoon
}
func (o *ollama) Embed(ctx context.Context, m string, t []string) ([][]float32, error) {
	return nil, errSoon
}
