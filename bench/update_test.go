package main

import "testing"

func TestReplaceMarked(t *testing.T) {
	t.Parallel()
	const text = "a\n<!-- bench: One -->\nold\n<!-- bench end -->\nb\n<!-- bench: Two -->\nkept\n<!-- bench end -->\nc\n"
	got, err := replaceMarked(text, "One", "new\n")
	if want := "a\n<!-- bench: One -->\nnew\n<!-- bench end -->\nb\n<!-- bench: Two -->\nkept\n<!-- bench end -->\nc\n"; err != nil || got != want {
		t.Errorf("replaceMarked() = %q, %v, want %q", got, err, want)
	}
	if got, err := replaceMarked(text, "Three", "new\n"); err == nil {
		t.Errorf("replaceMarked() = %q without its mark", got)
	}
}
