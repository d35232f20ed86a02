package pgpast

import (
	"cmp"
	"context"
	"errors"
	"net"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
	"github.com/chrononaut-go/chrononaut/internal/travel"
)

// session is a client and its connection to the server.
type session struct {
	client *pgproto3.Backend
	server *pgproto3.Frontend
	conn   net.Conn // to the server
	cancel func(ctx context.Context) error
	id     uint32
	key    [4]byte
	point  *Point
	// status is that of the transaction, as the server reported it last.
	status byte
	// closes says which of the Close messages under way are not the client's.
	closes []bool
}

// errGone says that the client or the server has gone.
var errGone = errors.New("the connection has ended")

// run serves the client until it or the server goes.
func (s *session) run(ctx context.Context) {
	var group []pgproto3.FrontendMessage // of the extended protocol, up to Sync
	for {
		message, err := s.client.Receive()
		if err != nil {
			return
		}
		switch m := message.(type) {
		case *pgproto3.Terminate:
			return
		case *pgproto3.Query:
			err = s.query(ctx, m.String)
		case *pgproto3.Parse, *pgproto3.Bind, *pgproto3.Describe, *pgproto3.Execute, *pgproto3.Close:
			group = append(group, clone(m))
			continue
		case *pgproto3.Sync:
			err = s.extended(ctx, group)
			group = nil
		case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
			continue // of a COPY that has failed; the server ignores it too
		default:
			s.fail("0A000", "this message of the protocol cannot be passed on to the past", "")
			err = errGone
		}
		if err != nil {
			s.client.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "08006", Message: errGone.Error()})
			_ = s.client.Flush() // perhaps it is the client that is gone
			return
		}
		s.ready()
	}
}

// ready tells the client that it can go on.
func (s *session) ready() {
	s.client.Send(&pgproto3.ReadyForQuery{TxStatus: s.status})
	_ = s.client.Flush() // Receive reports a client that is gone
}

// fail tells the client of an error.
func (s *session) fail(code, message, hint string) {
	s.client.Send(&pgproto3.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: code, Message: message, Hint: hint})
}

// query runs the statements of a text, one by one, up to the first that fails.
func (s *session) query(ctx context.Context, text string) error {
	statements := sqltext.Split(chronodriver.PostgreSQL, text)
	if len(statements) == 0 {
		s.client.Send(&pgproto3.EmptyQueryResponse{})
	}
	for _, statement := range statements {
		var ok bool
		var err error
		switch control, _ := statement.Control(); control {
		case sqltext.Begin, sqltext.Commit, sqltext.Rollback:
			ok, err = s.control(statement.Text)
		case sqltext.None, sqltext.Savepoint, sqltext.Release, sqltext.RollbackTo:
			past, refused := s.point.statement(ctx, statement.Text, s.load)
			if refused != nil {
				return s.refuse(refused)
			}
			// Errors have their place in the whole text.
			before := utf8.RuneCountInString(text[:statement.Start])
			ok, err = s.statement([]pgproto3.FrontendMessage{&pgproto3.Query{String: past.SQL}}, func(e *pgconn.PgError) {
				if place(past, e); e.Position > 0 {
					e.Position += int32(before) //nolint:gosec // not longer than the text
				}
			})
		}
		if err != nil || !ok {
			return err
		}
	}
	return nil
}

// place lets an error have its place in the text that the client sent.
func place(statement *travel.Statement, e *pgconn.PgError) { _ = statement.Error(e) }

// extended runs messages of the extended protocol.
func (s *session) extended(ctx context.Context, group []pgproto3.FrontendMessage) error {
	correct := func(*pgconn.PgError) {}
	for _, message := range group {
		parse, ok := message.(*pgproto3.Parse)
		if !ok {
			continue
		}
		past, refused := s.point.statement(ctx, parse.Query, s.load)
		if refused != nil {
			return s.refuse(refused)
		}
		parse.Query = past.SQL
		correct = func(e *pgconn.PgError) { place(past, e) }
	}
	_, err := s.statement(append(s.named(group), &pgproto3.Sync{}), correct)
	return err
}

// unnamed is what the server calls a client's statement without a name, which
// would not outlive the statements around it.
const unnamed = "chrononaut_unnamed"

// named gives the statement without a name one. It is replaced whenever it is
// prepared anew.
func (s *session) named(group []pgproto3.FrontendMessage) (messages []pgproto3.FrontendMessage) {
	s.closes = nil
	for _, message := range group {
		switch m := message.(type) {
		case *pgproto3.Parse:
			if m.Name == "" {
				messages = append(messages, &pgproto3.Close{ObjectType: 'S', Name: unnamed})
				s.closes = append(s.closes, true)
				m.Name = unnamed
			}
		case *pgproto3.Bind:
			m.PreparedStatement = cmp.Or(m.PreparedStatement, unnamed)
		case *pgproto3.Describe:
			if m.ObjectType == 'S' {
				m.Name = cmp.Or(m.Name, unnamed)
			}
		case *pgproto3.Close:
			if m.ObjectType == 'S' {
				m.Name = cmp.Or(m.Name, unnamed)
			}
			s.closes = append(s.closes, false)
		}
		messages = append(messages, message)
	}
	return messages
}

// refuse tells the client why a statement is not sent.
func (s *session) refuse(err error) error {
	var server *pgconn.PgError
	switch {
	case errors.Is(err, errGone):
		return errGone
	case errors.As(err, &server):
		s.fail(server.Code, server.Message, server.Hint)
	default:
		s.fail(chronodriver.StatePast, err.Error(), "")
	}
	return nil
}

// statement runs a statement in the past; ok is false when it failed.
func (s *session) statement(messages []pgproto3.FrontendMessage, correct func(*pgconn.PgError)) (ok bool, err error) {
	own := s.status == 'I'
	if own {
		if ok, err := s.hidden(s.point.begin()); err != nil || !ok {
			return false, errors.Join(err, s.rollBack())
		}
	}
	ok, end, err := s.pass(messages, correct)
	if err != nil {
		return false, err
	}
	if ok && s.status == 'T' {
		check := s.point.relations.TravelEnd()
		if own {
			check += "; COMMIT"
		}
		if ok, err = s.hidden(check); err != nil {
			return false, err
		}
	}
	if ok && end != nil {
		s.client.Send(end)
	}
	if own {
		err = s.rollBack()
	}
	return ok, err
}

// control passes a statement on that begins or ends a transaction. If one is
// open then, it is in the past.
func (s *session) control(sql string) (ok bool, err error) {
	ok, end, err := s.pass([]pgproto3.FrontendMessage{&pgproto3.Query{String: sql}}, func(*pgconn.PgError) {})
	if err != nil || !ok {
		return false, err
	}
	if s.status == 'T' {
		if ok, err := s.hidden(s.point.travel()); err != nil || !ok {
			return false, errors.Join(err, s.rollBack())
		}
	}
	if end != nil {
		s.client.Send(end)
	}
	return true, nil
}

// rollBack ends the transaction, if there is one.
func (s *session) rollBack() error {
	if s.status == 'I' {
		return nil
	}
	_, err := s.hidden("ROLLBACK")
	if err == nil && s.status != 'I' {
		err = errGone
	}
	return err
}

// clone copies a message, which is valid only until the next one is received.
func clone(message pgproto3.FrontendMessage) pgproto3.FrontendMessage {
	switch m := message.(type) {
	case *pgproto3.Parse:
		return &pgproto3.Parse{Name: m.Name, Query: m.Query, ParameterOIDs: append([]uint32(nil), m.ParameterOIDs...)}
	case *pgproto3.Bind:
		c := *m
		c.ParameterFormatCodes = append([]int16(nil), m.ParameterFormatCodes...)
		c.ResultFormatCodes = append([]int16(nil), m.ResultFormatCodes...)
		c.Parameters = make([][]byte, len(m.Parameters))
		for i, value := range m.Parameters {
			if value != nil {
				c.Parameters[i] = append([]byte{}, value...)
			}
		}
		return &c
	case *pgproto3.Describe:
		c := *m
		return &c
	case *pgproto3.Execute:
		c := *m
		return &c
	case *pgproto3.Close:
		c := *m
		return &c
	}
	return message
}
