package cli

import (
	"errors"
	"testing"

	"github.com/spf13/cobra"
)

func TestAReadOnlyFileIsExplained(t *testing.T) {
	t.Parallel()
	a := newApp(nil)
	a.started = true
	_, try, reason := a.explain(t.Context(), &cobra.Command{}, errors.New("hold main.todos: attempt to write a readonly database (8)"))
	if reason != "read_only" || try == "" {
		t.Errorf("reason = %q, hint = %q", reason, try)
	}
}
