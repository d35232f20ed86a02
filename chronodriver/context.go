package chronodriver

import "context"

type ownKey struct{}

// WithOwn returns a context for statements of Chrononaut itself, which adapters
// send as they are, also in a transaction that reads the past.
func WithOwn(ctx context.Context) context.Context { return context.WithValue(ctx, ownKey{}, true) }

// IsOwn reports whether statements under ctx are Chrononaut's own.
func IsOwn(ctx context.Context) bool { return ctx.Value(ownKey{}) != nil }
