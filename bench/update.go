package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

// The marks in a Markdown file between which the table of a section stands. What
// was measured on stands at serverMark.
const (
	beginMark  = "<!-- bench: %s -->\n"
	endMark    = "<!-- bench end -->\n"
	serverMark = "server"
)

// updateFile replaces the tables in a Markdown file by those of the figures; others stay.
func updateFile(file string, tables []table, server string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text := string(old)
	for _, t := range tables {
		var rendered bytes.Buffer
		printMarkdown(&rendered, t)
		if text, err = replaceMarked(text, t.title, rendered.String()); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	if text, err = replaceMarked(text, serverMark, server+"\n"); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// replaceMarked replaces what stands between two marks.
func replaceMarked(text, name, replacement string) (string, error) {
	begin := fmt.Sprintf(beginMark, name)
	before, rest, found := strings.Cut(text, begin)
	if !found {
		return "", errors.New("there is no " + strings.TrimSpace(begin))
	}
	_, after, found := strings.Cut(rest, endMark)
	if !found {
		return "", errors.New("nothing ends " + strings.TrimSpace(begin))
	}
	return before + begin + replacement + endMark + after, nil
}
