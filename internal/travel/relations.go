package travel

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// Relations remembers which relations have a past, for a pool. It is safe for
// concurrent use. What it does not know of yet, because it was tracked since,
// travel_end() refuses, after which it is read anew.
type Relations struct {
	schema string

	mu    sync.Mutex
	known map[name]relation
}

type name struct{ schema, relation string }

type relation struct {
	// schema is where the view is, quoted.
	schema string
	// refused says that the view refuses to be read.
	refused bool
}

// NewRelations returns what knows nothing yet.
func NewRelations(historySchema string) *Relations { return &Relations{schema: historySchema} }

// Load runs a query of one row with one text.
type Load func(ctx context.Context, sql string) (string, error)

// Travel makes the rest of the transaction read the past.
func (r *Relations) Travel(point string) string { return postgres.Travel(r.schema, point) }

// TravelParameter takes the point as a parameter.
func (r *Relations) TravelParameter() string { return postgres.TravelParameter(r.schema) }

// TravelEnd is sent before the end of the transaction.
func (r *Relations) TravelEnd() string { return postgres.TravelEnd(r.schema) }

func (r *Relations) get(ctx context.Context, load Load) (map[name]relation, error) {
	r.mu.Lock()
	known := r.known
	r.mu.Unlock()
	if known != nil {
		return known, nil
	}
	// Not under the lock: it may have to wait for a connection.
	known, err := r.load(ctx, load)
	if err != nil {
		return nil, fmt.Errorf("read what has a past: %w", err)
	}
	r.mu.Lock()
	r.known = known
	r.mu.Unlock()
	return known, nil
}

func (r *Relations) load(ctx context.Context, load Load) (map[name]relation, error) {
	document, err := load(ctx, postgres.PastRelations(r.schema))
	if err != nil {
		return nil, err
	}
	var relations []postgres.PastRelation
	if err := json.Unmarshal([]byte(document), &relations); err != nil {
		return nil, err
	}
	known := make(map[name]relation, len(relations))
	for _, p := range relations {
		known[name{p.Schema, p.Name}] = relation{postgres.QuoteIdent(p.Past), p.Refused}
	}
	return known, nil
}

// refused returns the name of a relation in a text that may not be read because
// it is not tracked, as far as that is known.
func (r *Relations) refused(sql string) string {
	r.mu.Lock()
	known := r.known
	r.mu.Unlock()
	names := map[string]bool{}
	for n, of := range known {
		if of.refused {
			names[n.relation] = true
		}
	}
	return sqltext.Mentions(chronodriver.PostgreSQL, sql, func(name string) bool { return names[name] })
}

func (r *Relations) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = nil
}
