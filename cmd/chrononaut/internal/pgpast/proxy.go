package pgpast

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Proxy lets clients of PostgreSQL read the past. Each of their statements runs
// in the past whatever came before it: an error, the end of a transaction, a new
// connection. The proxy logs in at the server; clients need no password, so only
// their user may reach its listener.
//
// A statement outside a transaction gets one: BEGIN and travel() go before it,
// travel_end() and COMMIT follow. A transaction that the client begins travels
// right behind its BEGIN, and travel_end() follows each of its statements. Names
// with a schema are rewritten, and statements that would leave the past are
// refused. The end of a result is held back until travel_end() has found that it
// is one of the past: clients show an error, and no result, where it is not.
type Proxy struct {
	server *pgconn.Config
	point  *Point

	sessions sync.WaitGroup
	mu       sync.Mutex
	open     map[uint32]*session // by the id that the client knows
}

// NewProxy returns a proxy to a server.
func NewProxy(server *pgconn.Config, point *Point) *Proxy {
	return &Proxy{server: server, point: point, open: map[uint32]*session{}}
}

// Serve serves clients until ctx is done, and closes the listener.
func (p *Proxy) Serve(ctx context.Context, listener net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() }) // Accept reports it
	defer stop()
	defer p.sessions.Wait()
	for {
		conn, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		p.sessions.Go(func() {
			defer conn.Close()
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // reading from it ends
			defer stop()
			p.serve(ctx, conn)
		})
	}
}

// serve serves one client. What goes wrong is told to the client.
func (p *Proxy) serve(ctx context.Context, conn net.Conn) {
	client := pgproto3.NewBackend(conn, conn)
	for {
		message, err := client.ReceiveStartupMessage()
		if err != nil {
			return
		}
		switch m := message.(type) {
		case *pgproto3.SSLRequest, *pgproto3.GSSEncRequest:
			if _, err := conn.Write([]byte{'N'}); err != nil {
				return
			}
		case *pgproto3.CancelRequest:
			p.cancel(ctx, m)
			return
		case *pgproto3.StartupMessage:
			if s := p.start(ctx, client, m); s != nil {
				s.run(ctx)
				p.end(s)
			}
			return
		}
	}
}

// start logs in at the server for a client.
func (p *Proxy) start(ctx context.Context, client *pgproto3.Backend, m *pgproto3.StartupMessage) *session {
	fail := func(code, message string) *session {
		client.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: message})
		_ = client.Flush() // the client is gone otherwise
		return nil
	}
	config := p.server.Copy()
	database := m.Parameters["database"]
	if database == "" {
		database = m.Parameters["user"]
	}
	if m.Parameters["user"] != config.User || database != config.Database {
		return fail("28000", "this leads to one database, as one user, and to no other")
	}
	for name, value := range m.Parameters {
		switch name {
		case "user", "database", "replication":
		case "options":
			if before := config.RuntimeParams[name]; before != "" {
				value = before + " " + value
			}
			config.RuntimeParams[name] = value
		default:
			config.RuntimeParams[name] = value
		}
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	var server *pgconn.PgError
	switch {
	case errors.As(err, &server):
		return fail(server.Code, server.Message)
	case err != nil:
		return fail("08001", "the server does not answer") // The error may hold the password.
	}
	hijacked, err := conn.Hijack()
	if err != nil {
		_ = conn.Close(ctx)
		return fail("08001", "the server does not answer")
	}
	s := &session{client: client, server: hijacked.Frontend, conn: hijacked.Conn, cancel: conn.CancelRequest, point: p.point, status: 'I'}
	if m.ProtocolVersion > pgproto3.ProtocolVersion30 {
		client.Send(&pgproto3.NegotiateProtocolVersion{NewestMinorProtocol: pgproto3.ProtocolVersion30})
	}
	client.Send(&pgproto3.AuthenticationOk{})
	for name, value := range hijacked.ParameterStatuses {
		client.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	p.register(s)
	client.Send(&pgproto3.BackendKeyData{ProcessID: s.id, SecretKey: s.key[:]})
	s.ready()
	return s
}

// register gives a session an id and a key to cancel it by.
func (p *Proxy) register(s *session) {
	_, _ = rand.Read(s.key[:]) // never fails
	p.mu.Lock()
	defer p.mu.Unlock()
	for s.id == 0 || p.open[s.id] != nil {
		var id [4]byte
		_, _ = rand.Read(id[:])
		s.id = binary.BigEndian.Uint32(id[:]) >> 1
	}
	p.open[s.id] = s
}

func (p *Proxy) end(s *session) {
	p.mu.Lock()
	delete(p.open, s.id)
	p.mu.Unlock()
	s.server.Send(&pgproto3.Terminate{})
	// Whether or not the server still hears it, the session is over.
	_ = s.server.Flush()
	_ = s.conn.Close()
}

// cancel passes on that a client wants its statement to end.
func (p *Proxy) cancel(ctx context.Context, m *pgproto3.CancelRequest) {
	p.mu.Lock()
	s := p.open[m.ProcessID]
	p.mu.Unlock()
	if s != nil && string(m.SecretKey) == string(s.key[:]) {
		_ = s.cancel(ctx) // as a server, it does not say whether it could
	}
}
