package chrononaut_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
)

// encoded is the attribution of ctx as the database reads it.
func encoded(t *testing.T, ctx context.Context, config *chrononaut.Config) map[string]any {
	t.Helper()
	value, ok, err := chrononaut.EncodeContext(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return nil
	}
	var message map[string]any
	if err := json.Unmarshal([]byte(value), &message); err != nil {
		t.Fatal(err)
	}
	return message
}

func TestAttribution(t *testing.T) {
	t.Parallel()

	t.Run("a context that says nothing sends nothing", func(t *testing.T) {
		t.Parallel()
		if got := encoded(t, t.Context(), nil); got != nil {
			t.Errorf("EncodeContext() = %v, want nothing", got)
		}
	})

	t.Run("both keys of user_info are always there", func(t *testing.T) {
		t.Parallel()
		got := encoded(t, chrononaut.WithActor(t.Context(), "ann"), nil)
		want := map[string]any{"user_info": map[string]any{"user_id": "ann", "remote_addr": nil}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("EncodeContext() mismatch (-want +got):\n%s", diff)
		}
	})

	t.Run("contexts nest and end without a trace", func(t *testing.T) {
		t.Parallel()
		outer := chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "ann"), "outer")
		inner := chrononaut.WithExtraInfo(chrononaut.WithActor(outer, "bob"), map[string]any{"rationale": "inner", "ticket": 7})
		wantInner := map[string]any{
			"user_info":  map[string]any{"user_id": "bob", "remote_addr": nil},
			"extra_info": map[string]any{"rationale": "inner", "ticket": 7.0}, "change_info": true,
		}
		wantOuter := map[string]any{
			"user_info":  map[string]any{"user_id": "ann", "remote_addr": nil},
			"extra_info": map[string]any{"rationale": "outer"}, "change_info": true,
		}
		if diff := cmp.Diff(wantInner, encoded(t, inner, nil)); diff != "" {
			t.Errorf("inner context mismatch (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantOuter, encoded(t, outer, nil)); diff != "" {
			t.Errorf("outer context mismatch (-want +got):\n%s", diff)
		}
	})

	t.Run("what is known of the request is no reason, and gives way to one", func(t *testing.T) {
		t.Parallel()
		config := &chrononaut.Config{ExtraInfo: func(context.Context) map[string]any { return map[string]any{"host": "a", "request_id": "configured"} }}
		outer := chrononaut.WithRequestInfo(t.Context(), map[string]any{"request_id": "r1", "path": "/"})
		want := map[string]any{
			"user_info":  map[string]any{"user_id": nil, "remote_addr": nil},
			"extra_info": map[string]any{"host": "a", "request_id": "r1", "path": "/"},
		}
		inner := chrononaut.WithRequestInfo(chrononaut.WithExtraInfo(outer, map[string]any{"path": "given"}), map[string]any{"request_id": "r2", "path": "/x"})
		if diff := cmp.Diff(want, encoded(t, outer, config)); diff != "" {
			t.Errorf("EncodeContext() mismatch (-want +got):\n%s", diff)
		}
		want["extra_info"], want["change_info"] = map[string]any{"host": "a", "request_id": "r2", "path": "given"}, true
		if diff := cmp.Diff(want, encoded(t, inner, config)); diff != "" {
			t.Errorf("EncodeContext() mismatch (-want +got):\n%s", diff)
		}
	})

	t.Run("explicit information wins over the configured function, whose map stays as it is", func(t *testing.T) {
		t.Parallel()
		constant := map[string]any{"host": "a", "rationale": "configured"}
		config := &chrononaut.Config{ExtraInfo: func(context.Context) map[string]any { return constant }}
		got := encoded(t, chrononaut.WithRationale(t.Context(), "given"), config)
		want := map[string]any{"host": "a", "rationale": "given"}
		if diff := cmp.Diff(want, got["extra_info"]); diff != "" {
			t.Errorf("extra_info mismatch (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]any{"host": "a", "rationale": "configured"}, constant); diff != "" {
			t.Errorf("the function's map was changed (-want +got):\n%s", diff)
		}
		if got := encoded(t, t.Context(), config); got["change_info"] != nil {
			t.Error("the configured function satisfies a strict table, want it not to")
		}
	})

	t.Run("a function that returns nothing is fine", func(t *testing.T) {
		t.Parallel()
		config := &chrononaut.Config{ExtraInfo: func(context.Context) map[string]any { return nil }}
		if got := encoded(t, t.Context(), config); got != nil {
			t.Errorf("EncodeContext() = %v, want nothing", got)
		}
	})

	t.Run("empty extra information counts as change information", func(t *testing.T) {
		t.Parallel()
		got := encoded(t, chrononaut.WithExtraInfo(t.Context(), nil), nil)
		if got["change_info"] != true {
			t.Errorf("EncodeContext() = %v, want change_info", got)
		}
	})

	t.Run("information of one record names it and does not count as change information", func(t *testing.T) {
		t.Parallel()
		ctx := chrononaut.AppendChangeInfo(t.Context(), chrononaut.Table{Schema: "s", Name: "todos"}, chrononaut.Key{"id": 1}, map[string]any{"note": "x"})
		got := encoded(t, ctx, nil)
		want := []any{map[string]any{"table_schema": "s", "table_name": "todos", "key": map[string]any{"id": 1.0}, "extra_info": map[string]any{"note": "x"}}}
		if diff := cmp.Diff(want, got["records"]); diff != "" {
			t.Errorf("records mismatch (-want +got):\n%s", diff)
		}
		if got["change_info"] != nil {
			t.Error("AppendChangeInfo satisfies a strict table, want it not to")
		}
	})

	t.Run("a configured function says who acts, unless the context does", func(t *testing.T) {
		t.Parallel()
		config := &chrononaut.Config{UserInfo: func(context.Context) map[string]any {
			return map[string]any{"user_id": "session", "tenant": 7}
		}}
		for actor, ctx := range map[string]context.Context{
			"session": t.Context(),
			"ann":     chrononaut.WithActor(t.Context(), "ann"),
		} {
			want := map[string]any{"user_id": actor, "remote_addr": nil, "tenant": 7.0}
			if diff := cmp.Diff(want, encoded(t, ctx, config)["user_info"]); diff != "" {
				t.Errorf("user_info mismatch (-want +got):\n%s", diff)
			}
		}
		nobody := &chrononaut.Config{UserInfo: func(context.Context) map[string]any { return nil }}
		if got := encoded(t, t.Context(), nobody); got != nil {
			t.Errorf("EncodeContext() = %v, want nothing", got)
		}
	})

	t.Run("a map that is changed later changes nothing", func(t *testing.T) {
		t.Parallel()
		info := map[string]any{"a": 1}
		ctx := chrononaut.WithExtraInfo(t.Context(), info)
		info["a"] = 2
		got := encoded(t, ctx, nil)
		if diff := cmp.Diff(map[string]any{"a": 1.0}, got["extra_info"]); diff != "" {
			t.Errorf("extra_info mismatch (-want +got):\n%s", diff)
		}
	})

	t.Run("goroutines that share a context do not see each other", func(t *testing.T) {
		t.Parallel()
		shared := chrononaut.WithExtraInfo(t.Context(), map[string]any{"shared": true})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				ctx := chrononaut.WithExtraInfo(shared, map[string]any{"own": true})
				ctx = chrononaut.AppendChangeInfo(ctx, chrononaut.Table{Name: "t"}, chrononaut.Key{"id": 1}, nil)
				if got := encoded(t, ctx, nil); len(got["records"].([]any)) != 1 {
					t.Errorf("records = %v, want one", got["records"])
				}
			})
		}
		wg.Wait()
		if diff := cmp.Diff(map[string]any{"shared": true}, encoded(t, shared, nil)["extra_info"]); diff != "" {
			t.Errorf("the shared context was changed (-want +got):\n%s", diff)
		}
	})
}

func TestAttributionThatCannotBeSent(t *testing.T) {
	t.Parallel()
	circle := map[string]any{}
	circle["self"] = circle
	for name, ctx := range map[string]context.Context{
		"a NUL byte in the actor":       chrononaut.WithActor(t.Context(), "a\x00b"),
		"a NUL byte after a backslash":  chrononaut.WithRationale(t.Context(), "\\\x00"),
		"a value that JSON cannot hold": chrononaut.WithExtraInfo(t.Context(), map[string]any{"f": func() {}}),
		"a number that JSON has not":    chrononaut.WithExtraInfo(t.Context(), map[string]any{"n": math.NaN()}),
		"a map in itself":               chrononaut.WithExtraInfo(t.Context(), circle),
		"an actor that is not UTF-8":    chrononaut.WithActor(t.Context(), "M\xfcller"),
		"a key that is not UTF-8":       chrononaut.WithExtraInfo(t.Context(), map[string]any{"\xff": 1}),
		"JSON that is not UTF-8":        chrononaut.WithExtraInfo(t.Context(), map[string]any{"raw": json.RawMessage("\"\xff\"")}),
		"a number that is none":         chrononaut.WithExtraInfo(t.Context(), map[string]any{"n": json.Number("secret")}),
	} {
		_, _, err := chrononaut.EncodeContext(ctx, nil)
		if !errors.Is(err, chrononaut.ErrContext) {
			t.Errorf("%s: error = %v, want ErrContext", name, err)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "ller") {
			t.Errorf("%s: the error %q quotes the value", name, err)
		}
	}
	// The text u0000 and an escaped backslash before it are no NUL, and the
	// replacement character is one like others.
	for _, actor := range []string{`u0000`, `\u0000`, `\\u0000`, `\ufffd`, "\ufffd"} {
		if _, ok, err := chrononaut.EncodeContext(chrononaut.WithActor(t.Context(), actor), nil); !ok || err != nil {
			t.Errorf("actor %q: error = %v, want none", actor, err)
		}
	}
}
