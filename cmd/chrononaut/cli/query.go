package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/cmd/chrononaut/internal/pgpast"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

func (a *app) queryCommand() *cobra.Command {
	var f *pastFlags
	var csv bool
	cmd := &cobra.Command{
		Use:   "query --as-of POINT SQL",
		Short: "Run a query on the past",
		Long: `Query runs one statement, which reads the tracked tables as they were: joins,
aggregates, subqueries and window functions too. It can only read.

POINT is a time, transaction:NUMBER, the state just after a transaction, or a
token of chrononaut snapshot. At a time, a transaction is seen wholly or not at
all. A point that is not settled yet, because a transaction older than it is
still open, is refused unless --allow-unsettled is given.

Tables that are not tracked are refused, or with --untracked present read as
they are now. Hidden and untracked columns are NULL.

It prints a table, with --json an object for each row, with --csv CSV. It exits
with 1 when history cannot say.`,
		Example: `  chrononaut query --as-of -2h 'SELECT * FROM todos WHERE NOT done'
  chrononaut query --as-of '2026-11-24 09:30' --csv 'SELECT id, title FROM todos' > todos.csv
  chrononaut query --as-of transaction:81723 --json 'SELECT count(*) FROM todos'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.parsePast(f)
			switch {
			case err != nil:
				return err
			case csv && a.json:
				return usagef("", "give --csv or --json, not both")
			}
			return a.withDatabase(cmd.Context(), false, func(db *database) error {
				ctx, err := p.in(cmd.Context(), db)
				if err != nil {
					return err
				}
				rows := &resultPrinter{out: a.out, json: a.json, csv: csv}
				if db.driver.Dialect() == chronodriver.PostgreSQL {
					err = a.queryPostgres(ctx, db, args[0], rows)
				} else {
					err = querySQLite(ctx, db, args[0], rows)
				}
				if err != nil {
					return explainQuery(err)
				}
				if err := rows.end(); err != nil {
					return err
				}
				a.out.remark("%s as of %s", plural(rows.count, "row", "rows"), a.out.point(p.point))
				return nil
			})
		},
	}
	f = pastFlagsOf(cmd)
	cmd.Flags().BoolVar(&csv, "csv", false, "print CSV")
	return cmd
}

// point is a point as --as-of takes it.
func (p *printer) point(point chrononaut.Point) string {
	if t, ok := point.Time(); ok {
		return p.time(t)
	}
	return clean(point.String())
}

// explainQuery says what is wrong with a statement, as the database does.
func explainQuery(err error) error {
	var server *pgconn.PgError
	err = chrononaut.WrapError(err)
	switch {
	case errors.Is(err, pgpast.ErrStatements):
		return usagef("", "give one statement of SQL")
	case errors.Is(err, chrononaut.ErrHorizon), errors.Is(err, chrononaut.ErrNotInstalled):
		return explainPast(err)
	case !errors.As(err, &server):
		// SQLite has no codes of errors and no hints: its messages hold ours.
		server = &pgconn.PgError{}
		if match := sqliteMessage.FindStringSubmatch(err.Error()); match != nil {
			server.Message = match[1]
		} else {
			return explainPast(err)
		}
	}
	for _, kind := range []error{chrononaut.ErrPast, chrononaut.ErrNotRecorded, chrononaut.ErrPoint} {
		if errors.Is(err, kind) {
			err = fmt.Errorf("%w: %s", kind, server.Message)
		}
	}
	switch {
	case server.Hint != "":
		err = hinted(err, server.Hint)
	case errors.Is(err, chrononaut.ErrPast) && strings.Contains(server.Message, "is not tracked"):
		err = hinted(err, "chrononaut track TABLE, or --untracked present: what is not tracked as it is now.")
	}
	return explainPast(err)
}

var sqliteMessage = regexp.MustCompile(`TM\d{3}: (.*?)(?: \(\d+\))?$`)

func (a *app) queryPostgres(ctx context.Context, db *database, statement string, rows *resultPrinter) error {
	conn, err := db.postgres.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	pgConn := conn.Conn().PgConn()
	point, err := pgpast.NewPoint(ctx, a.schema)
	if err != nil {
		return err
	}
	var fields []pgconn.FieldDescription
	return point.Query(ctx, pgConn, statement, func(f []pgconn.FieldDescription) error {
		fields = f
		names := make([]string, len(f))
		for i := range f {
			names[i] = f[i].Name
		}
		return rows.start(names)
	}, func(values [][]byte) error {
		row := make([]resultValue, len(values))
		for i, v := range values {
			row[i] = postgresValue(fields[i].DataTypeOID, v)
		}
		return rows.row(row)
	})
}

func querySQLite(ctx context.Context, db *database, statement string, rows *resultPrinter) (err error) {
	if len(sqltext.Split(chronodriver.SQLite, statement)) != 1 {
		return pgpast.ErrStatements
	}
	result, err := db.sqlite.QueryContext(ctx, statement)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, result.Close()) }()
	names, err := result.Columns()
	if err != nil {
		return err
	}
	types, err := result.ColumnTypes()
	if err != nil {
		return err
	}
	if err := rows.start(names); err != nil {
		return err
	}
	values, dest := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		dest[i] = &values[i]
	}
	for result.Next() {
		if err := result.Scan(dest...); err != nil {
			return err
		}
		row := make([]resultValue, len(values))
		for i, v := range values {
			row[i] = sqliteValue(types[i].DatabaseTypeName(), v)
		}
		if err := rows.row(row); err != nil {
			return err
		}
	}
	return result.Err()
}
