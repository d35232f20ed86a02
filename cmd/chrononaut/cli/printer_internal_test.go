package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONCannotGarbleATerminal(t *testing.T) {
	t.Parallel()
	const text = "a\u009b31m\x7f\u202eb\u200b\U000e0041 <é 今日 می\u200cخواهم \x1b"
	var b bytes.Buffer
	if err := (&printer{w: &b}).json(map[string]string{"text": text}); err != nil {
		t.Fatal(err)
	}
	const want = `{"text":"a\u009b31m\u007f\u202eb\u200b\udb40\udc41 <é 今日 می` + "\u200c" + `خواهم \u001b"}` + "\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("json() (-want +got):\n%s", diff)
	}
	var back map[string]string
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back["text"] != text {
		t.Errorf("it reads back as %q, %v", back["text"], err)
	}
	if got := clean("a\u200bb\u00adc\ufeff\u200dd\u0600"); got != `a\u200bb\u00adc\ufeff`+"\u200dd\u0600" {
		t.Errorf("clean() = %q", got)
	}
}

func TestOneLongTextFillsNoOtherLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	var b bytes.Buffer
	err := (&printer{w: &b}).plainTable([]string{"KEY", "CHANGE", "WHY"}, [][]cell{cells("1", long, "a"), cells("2", "short", ""), cells("30", "it", "c")})
	if err != nil {
		t.Fatal(err)
	}
	want := "KEY  CHANGE  WHY\n1    " + long + "  a\n2    short   -\n30   it      c\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("plainTable() (-want +got):\n%s", diff)
	}
}
