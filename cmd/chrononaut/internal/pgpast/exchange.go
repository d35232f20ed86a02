package pgpast

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// hidden runs a text of which the client sees nothing but an error.
func (s *session) hidden(sql string) (ok bool, err error) {
	_, failed, err := s.exchange(sql)
	if failed != nil {
		s.client.Send(failed)
	}
	return failed == nil, err
}

// load returns the value of a query of which the client sees nothing.
func (s *session) load(_ context.Context, sql string) (string, error) {
	value, failed, err := s.exchange(sql)
	if failed != nil {
		err = &pgconn.PgError{Severity: failed.Severity, Code: failed.Code, Message: failed.Message, Hint: failed.Hint}
	}
	return value, err
}

// exchange runs a text and returns the last value of its last row, or the
// error of the server.
func (s *session) exchange(sql string) (value string, failed *pgproto3.ErrorResponse, err error) {
	s.server.Send(&pgproto3.Query{String: sql})
	if err := s.server.Flush(); err != nil {
		return "", nil, errGone
	}
	for {
		message, err := s.server.Receive()
		if err != nil {
			return "", nil, errGone
		}
		switch m := message.(type) {
		case *pgproto3.DataRow:
			value = string(m.Values[len(m.Values)-1])
		case *pgproto3.ErrorResponse:
			e := *m
			e.Position, e.Where = 0, "" // of a text that the client does not know
			failed = &e
		case *pgproto3.ParameterStatus:
			s.client.Send(m)
		case *pgproto3.ReadyForQuery:
			s.status = m.TxStatus
			return value, failed, nil
		}
	}
}

// pass sends messages to the server and passes what it answers on to the
// client, but for the end of the result and that the server is ready.
func (s *session) pass(messages []pgproto3.FrontendMessage, correct func(*pgconn.PgError)) (ok bool, end pgproto3.BackendMessage, err error) {
	for _, message := range messages {
		s.server.Send(message)
	}
	if err := s.server.Flush(); err != nil {
		return false, nil, errGone
	}
	ok = true
	for n := 1; ; n++ {
		message, err := s.server.Receive()
		if err != nil {
			return false, nil, errGone
		}
		switch m := message.(type) {
		case *pgproto3.ReadyForQuery:
			s.status = m.TxStatus
			return ok, end, nil
		case *pgproto3.CloseComplete:
			if len(s.closes) > 0 {
				own := s.closes[0]
				if s.closes = s.closes[1:]; own {
					continue
				}
			}
		case *pgproto3.CopyInResponse:
			// Nothing can be written in the past.
			s.server.Send(&pgproto3.CopyFail{Message: "the past can only be read"})
			if err := s.server.Flush(); err != nil {
				return false, nil, errGone
			}
			continue
		case *pgproto3.ErrorResponse:
			ok = false
			e := &pgconn.PgError{Code: m.Code, Position: m.Position}
			correct(e)
			m.Position = e.Position
		}
		if end != nil {
			s.client.Send(end)
			end = nil
		}
		switch m := message.(type) {
		case *pgproto3.CommandComplete:
			end = &pgproto3.CommandComplete{CommandTag: append([]byte(nil), m.CommandTag...)}
		case *pgproto3.EmptyQueryResponse, *pgproto3.PortalSuspended:
			end = m
		default:
			s.client.Send(message)
		}
		// Rows reach the client while the server sends more.
		if n%100 == 0 {
			if err := s.client.Flush(); err != nil {
				return false, nil, fmt.Errorf("%w: the client", errGone)
			}
		}
	}
}
