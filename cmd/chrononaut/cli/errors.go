package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronoimport"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// usageError is an error of use that shows only when the command runs.
type usageError struct{ message, try string }

func (e *usageError) Error() string { return e.message }

func usagef(try, format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...), try}
}

// noError says that the answer is no. With quiet, it has been printed.
type noError struct {
	err    error
	try    string
	quiet  bool
	reason string
}

func (e *noError) Error() string { return e.err.Error() }
func (e *noError) Unwrap() error { return e.err }

// errNo is a no that has been printed.
var errNo = &noError{err: errors.New("no"), quiet: true}

func hinted(err error, hint string) error { return &chronomigrate.HintError{Err: err, Hint: hint} }

// connectError does not print its cause, which names the connection.
type connectError struct {
	message string
	cause   error
}

func (e *connectError) Error() string { return "connect to the database: " + e.message }
func (e *connectError) Unwrap() error { return e.cause }

// fail prints an error and returns the exit status.
func (a *app) fail(ctx context.Context, cmd *cobra.Command, err error) int {
	status := exitError
	var no *noError
	if !errors.As(err, &no) {
		if no = lockRefusal(err); no != nil {
			err = no
		}
	}
	if no != nil {
		if no.quiet {
			return exitNo
		}
		status = exitNo
	}
	message, try, reason := a.explain(ctx, cmd, err)
	if a.json {
		// A message that cannot be written cannot be reported either.
		enc := json.NewEncoder(a.Stderr)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(errorJSON{Error: message, Hint: try, Reason: reason, Exit: status})
		return status
	}
	fmt.Fprintf(a.Stderr, "chrononaut: %s\n", message)
	if !a.started && reason == "usage" {
		fmt.Fprintf(a.Stderr, "Usage: %s\n", cmd.UseLine())
	}
	if try != "" {
		fmt.Fprintf(a.Stderr, "Try: %s\n", try)
	}
	return status
}

// errorJSON is what --json prints for an error, on standard error.
type errorJSON struct {
	Error  string `json:"error"`
	Hint   string `json:"hint,omitempty"`
	Reason string `json:"reason"`
	Exit   int    `json:"exit"`
}

// explain gives an error its message, its hint and its reason, which is the
// same for all errors of a kind.
func (a *app) explain(ctx context.Context, cmd *cobra.Command, err error) (message, try, reason string) {
	message, reason = err.Error(), "error"
	var usage *usageError
	var no *noError
	var hint *chronomigrate.HintError
	var connect *connectError
	var output *outputError
	switch {
	case errors.As(err, &output):
		message, reason = output.Error(), "output"
	case errors.As(err, &usage):
		try, reason = usage.try, "usage"
		if try == "" {
			try = cmd.CommandPath() + " --help"
		}
	case !a.started || isExcluding(err):
		if said, ok := useMessage(err); ok {
			message = said
		}
		try, reason = cmd.CommandPath()+" --help", "usage"
		if strings.HasPrefix(message, "unknown shorthand flag: '") && strings.ContainsAny(message[25:26], "0123456789") {
			try = "put -- before a key that begins with -, as in " + cmd.CommandPath() + " TABLE -- -5"
		}
		if like := suggestion(cmd, err); like != "" {
			try = like
		}
	case ctx.Err() != nil:
		message, reason = "interrupted", "interrupted"
		if cmd.Flags().Lookup("baseline") != nil {
			try = "the same command again: a baseline goes on where it stopped"
		}
		if cmd.Flags().Lookup("skip-bad") != nil {
			try = "the same command again: an import goes on where it stopped"
		}
	case errors.As(err, &no):
		try, reason = no.try, no.reason
	case errors.As(err, &connect):
		reason = "connection"
		if errors.As(err, &hint) {
			try = hint.Hint
		}
	case errors.As(err, &hint):
		try = strings.TrimPrefix(hint.Hint, "Run ")
	case errors.Is(err, chrononaut.ErrNotInstalled):
		message, try, reason = chrononaut.ErrNotInstalled.Error(), "chrononaut migrate up.", "not_installed"
	case errors.Is(err, chrononaut.ErrNotTracked):
		try, reason = "chrononaut track TABLE.", "not_tracked"
	case errors.Is(err, chrononaut.ErrLocking):
		try, reason = serverHint(err), "refused"
	}
	for _, known := range reasons {
		if reason == "error" && errors.Is(err, known.err) {
			reason = known.reason
		}
	}
	if reason == "error" && (errors.Is(err, chrononaut.ErrLocked) || chronodriver.Busy(err)) {
		reason, try = "busy", busyHint
	}
	if reason == "error" && strings.Contains(message, "readonly database") {
		// SQLite's message; its driver's error has no type that is the same everywhere.
		reason, try = "read_only", "check the permissions of the file and its directory."
	}
	var server *pgconn.PgError
	if reason == "error" && errors.As(err, &server) {
		switch server.Code {
		case insufficientPrivilege:
			reason, try = "privilege", privilegeHint(server.Message)
		case "25006":
			reason, try = "read_only", "connect to the primary server."
		case "40P01":
			reason, try = "busy", busyHint
		default:
			reason = "database"
		}
	}
	message = ours.ReplaceAllString(message, "$1$2")
	// A hint is ours, and may show what a URL looks like.
	return anyURL.ReplaceAllString(a.redact(oneLine(message)), "(database URL)"), a.redact(oneLine(a.inSchema(try))), reason
}

var deniedPattern = regexp.MustCompile(`permission denied for (\w+) (.*)`)

// privilegeHint says what a role lacks that only reads, holds or leases.
func privilegeHint(message string) string {
	denied := deniedPattern.FindStringSubmatch(message)
	if denied == nil {
		return ""
	}
	kind, name := denied[1], denied[2]
	switch {
	case kind == "function" && (name == "hold" || name == "release"):
		return "chrononaut harden --holder ROLE, or what docs/command.md grants to who holds records."
	case kind == "function" && strings.Contains(name, "lease"):
		return "chrononaut harden --leaser ROLE, or what docs/command.md grants to who leases records."
	case kind == "view":
		return "who may read a table may read its past: GRANT SELECT ON the table TO the role, and chrononaut track TABLE; or chrononaut harden --past-reader ROLE."
	case kind == "table" && !strings.HasPrefix(name, "chrononaut_"):
		return "the role needs SELECT on the table, and to lease with --enforce UPDATE."
	}
	return "the role needs USAGE on the history schema and SELECT on its tables; see docs/command.md."
}

const insufficientPrivilege = "42501"

// deniedTable says whether an error is that the role may not read a table, of
// which the server tells the name without its schema.
func deniedTable(err error, table chrononaut.Table) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == insufficientPrivilege && server.Message == "permission denied for table "+table.Name
}

const busyHint = "the same command again, when nobody writes there."

var reasons = []struct {
	err    error
	reason string
}{
	{chronomigrate.ErrNoTable, "no_table"},
	{chronomigrate.ErrNoColumn, "no_column"},
	{chronomigrate.ErrNoKey, "no_key"},
	{chronomigrate.ErrNotTrackable, "not_trackable"},
	{chronomigrate.ErrVersionColumn, "version_column"},
	{chronomigrate.ErrOption, "option"},
	{chronomigrate.ErrNewerHistory, "newer_history"},
	{chronomigrate.ErrNoHistory, "not_installed"},
	{chronomigrate.ErrNotTracked, "not_tracked"},
	{chronomigrate.ErrStillTracked, "still_tracked"},
	{chronomigrate.ErrPrivilege, "privilege"},
	{chronomigrate.ErrRole, "roles"},
	{chronomigrate.ErrNotHardened, "not_hardened"},
	{chronomigrate.ErrBusy, "busy"},
	{chronomigrate.ErrReadOnly, "read_only"},
	{chronoimport.ErrDialect, "dialect"},
	{chronoimport.ErrNoTable, "no_table"},
	{chronoimport.ErrNoSource, "no_source"},
	{chronoimport.ErrNoKey, "no_key"},
	{chronoimport.ErrNotTracked, "not_tracked"},
	{chronoimport.ErrHidden, "hidden"},
	{chronoimport.ErrBusy, "busy"},
	{chrononaut.ErrNotTracked, "not_tracked"},
	{chrononaut.ErrNotInstalled, "not_installed"},
	{chrononaut.ErrKey, "key"},
	{chrononaut.ErrOrder, "order"},
	{chrononaut.ErrContext, "context"},
	{chrononaut.ErrHorizon, "horizon"},
	{chrononaut.ErrPast, "past"},
	{chrononaut.ErrPoint, "point"},
	{chrononaut.ErrHidden, "hidden"},
	{chrononaut.ErrUntracked, "untracked"},
	{chrononaut.ErrNoColumn, "no_column"},
	{chrononaut.ErrRestoreConflict, "conflict"},
	{chrononaut.ErrLocking, "refused"},
	{fs.ErrNotExist, "no_file"},
}

var ourCommand = regexp.MustCompile(`\bchrononaut (?:migrate|track|untrack|rename|strict|harden|check|diff-schema|import|adopt|convert|log|show|diff|blame|query|shell|snapshot|restore|undelete|revert|hold|release|holds|lease)\b`)

// inSchema gives the commands in a text the schema that this one was given: without
// it they would speak of another history.
func (a *app) inSchema(text string) string {
	if a.schema == chrononaut.DefaultSchema || a.schema == "" || strings.Contains(text, "--schema ") || strings.HasSuffix(text, "--help") {
		return text
	}
	return ourCommand.ReplaceAllStringFunc(text, func(command string) string {
		return strings.Replace(command, "chrononaut ", "chrononaut --schema "+shellArg(a.schema)+" ", 1)
	})
}

func oneLine(s string) string { return clean(strings.Join(strings.Fields(s), " ")) }

// ours is an error that a function or a trigger of history raised: the message is
// for people as it is, without what PostgreSQL or SQLite puts around it.
var ours = regexp.MustCompile(`ERROR: ([^\n]*?) \(SQLSTATE (?:TM\d{3}|P0002)\)|constraint failed: TM\d{3}: ([^\n]*?) \(\d+\)`)

var anyURL = regexp.MustCompile(`(?i)\b(?:postgres|postgresql)://\S+`)

// redact takes the database's address and password out of a message, wherever
// they came from.
func (a *app) redact(message string) string {
	for _, address := range []string{a.databaseURL, a.Env("DATABASE_URL")} {
		if address == "" || !strings.Contains(address, "://") {
			continue
		}
		message = strings.ReplaceAll(message, address, "(database URL)")
		if u, err := url.Parse(address); err == nil {
			for _, secret := range []string{password(u), u.Query().Get("password")} {
				// A short one would tear words apart, and say what it is.
				if len(secret) >= 6 {
					message = strings.ReplaceAll(message, secret, "xxxxx")
				}
			}
		}
	}
	return message
}

func password(u *url.URL) string {
	p, _ := u.User.Password()
	return p
}

// connecting makes an error of connecting presentable: pgx's messages hold the
// connection string.
func connecting(err error) error {
	if err == nil {
		return nil
	}
	var server *pgconn.PgError
	var dial *net.OpError
	var lookup *net.DNSError
	var parse *pgconn.ParseConfigError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &parse):
		return hinted(&connectError{"the database URL is malformed", err},
			"postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=..., with special characters in it percent-encoded.")
	case errors.As(err, &connect):
		switch {
		case errors.As(err, &server):
			refused := &connectError{fmt.Sprintf("%s (SQLSTATE %s)", server.Message, server.Code), err}
			if try := connectHint(server.Code); try != "" {
				return hinted(refused, try)
			}
			return refused
		case errors.As(err, &lookup):
			return hinted(&connectError{"the host is not known", err}, "check the name of the host in the database URL.")
		case errors.As(err, &dial):
			return hinted(&connectError{dial.Error(), err}, "check the host and the port, and that the server is running.")
		case errors.Is(err, context.DeadlineExceeded):
			return &connectError{"timeout", err}
		case strings.Contains(err.Error(), "server refused TLS connection"):
			return hinted(&connectError{"the server offers no TLS, which sslmode asks for", err}, "sslmode=prefer in the database URL, or TLS on the server.")
		}
		return &connectError{"the server does not answer as expected", err}
	}
	return err
}

// connectHint says what to do when the server refuses a connection.
func connectHint(state string) string {
	switch state {
	case "28P01":
		return "check the user and the password: postgres://USER:PASSWORD@HOST/DATABASE, PGPASSWORD, or a file .pgpass."
	case "28000":
		return "check the user in the database URL, and what pg_hba.conf of the server lets it do."
	case "3D000":
		return "check the name of the database in the database URL, or make it: createdb."
	case "53300":
		return "the same command again, when other clients have gone."
	case "57P03":
		return "the same command again, when the server has started."
	}
	return ""
}
