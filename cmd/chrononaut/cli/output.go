package cli

import (
	"fmt"
	"io"
)

// output is where answers go. It remembers the first error, so that no command
// has to look for one after each line: an answer that nobody gets is a failure.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	if err != nil {
		o.err = &outputError{bare(err)}
	}
	return n, o.err
}

// outputError says that an answer could not be written.
type outputError struct{ cause error }

func (e *outputError) Error() string { return fmt.Sprintf("write to standard output: %v", e.cause) }
func (e *outputError) Unwrap() error { return e.cause }
