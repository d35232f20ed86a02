package chrononaut

import "testing"

func TestCanonicalNumber(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"1": "1", "-7": "-7", "1.50": "1.5", "1.5": "1.5", "2.0": "2", "0.0": "0", "15e-1": "1.5", "1E+3": "1000", "-0.010": "-0.01",
		"12345678901234567890.1234567890": "12345678901234567890.123456789", "1e100000": "1e100000",
	} {
		if got := canonicalNumber(s); got != want {
			t.Errorf("canonicalNumber(%s) = %s, want %s", s, got, want)
		}
	}
}
