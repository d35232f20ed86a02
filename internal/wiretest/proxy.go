// Package wiretest looks at what goes over the wire between a client and a
// PostgreSQL server: how many round trips it takes, and which statements are
// sent. It can also break connections.
//
//	proxy := wiretest.Start(t, db.URL())
//	db := open(proxy.URL())
//	warmUp(db) // connecting and preparing cost round trips of their own
//	proxy.Reset()
//	...
//	if got := proxy.RoundTrips(); got != 3 {
package wiretest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// Proxy stands between clients and a server. Its methods are safe for
// concurrent use.
type Proxy struct {
	url      string
	network  string
	address  string
	listener net.Listener
	serving  sync.WaitGroup

	mu         sync.Mutex
	conns      map[net.Conn]bool
	roundTrips int
	statements []string
	cut        func(statement string) bool
}

// Start starts a proxy for the server of a URL. It ends with the test, and ends
// the connections that are left.
func Start(t testing.TB, serverURL string) *Proxy {
	t.Helper()
	p, err := Listen(t.Context(), serverURL)
	if err != nil {
		t.Fatalf("wiretest: %v", err)
	}
	t.Cleanup(p.Close)
	return p
}

// Listen is Start outside a test: the proxy ends with Close.
func Listen(ctx context.Context, serverURL string) (*Proxy, error) {
	config, err := pgconn.ParseConfig(serverURL)
	if err != nil {
		return nil, errUnreadable
	}
	u, err := url.Parse(serverURL)
	if err != nil {
		return nil, errUnreadable
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	query := u.Query()
	query.Del("host")
	query.Del("port")
	query.Set("sslmode", "disable") // else there would be nothing to see
	u.Host, u.RawQuery = listener.Addr().String(), query.Encode()

	p := &Proxy{url: u.String(), listener: listener, conns: map[net.Conn]bool{}}
	p.network, p.address = pgconn.NetworkAddress(config.Host, config.Port)
	p.serving.Go(func() { p.serve(context.WithoutCancel(ctx)) })
	return p, nil
}

// A URL may hold a password, and so may the errors about it.
var errUnreadable = errors.New("the server's URL cannot be parsed")

// URL is the server's URL by way of the proxy, for pgx and lib/pq.
func (p *Proxy) URL() string { return p.url }

// Reset starts counting anew.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.roundTrips, p.statements = 0, nil
}

// RoundTrips returns how often a client had to wait for the server: the
// number of times that the server was ready for the next query, and for the
// data of a COPY. Connecting counts once.
func (p *Proxy) RoundTrips() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.roundTrips
}

// Statements returns the texts that were sent to be parsed or run, in order.
func (p *Proxy) Statements() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.statements)
}

// CutAfter ends the connection on which a text is sent that holds statement,
// once: the server receives it, its answer is lost.
func (p *Proxy) CutAfter(statement string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = func(s string) bool { return strings.Contains(s, statement) }
}

// CutAll ends all connections.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

// Close ends the proxy and the connections that are left.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.CutAll()
	p.serving.Wait()
}

func (p *Proxy) serve(ctx context.Context) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(ctx, p.network, p.address)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.hold(client, server)
		s := &session{proxy: p, client: client, server: server}
		p.serving.Go(func() { s.run(s.fromClient) })
		p.serving.Go(func() { s.run(s.fromServer) })
	}
}

func (p *Proxy) hold(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		p.conns[conn] = true
	}
}

// session is one connection.
type session struct {
	proxy          *Proxy
	client, server net.Conn

	mu sync.Mutex
	// lost says that the server's answers go nowhere.
	lost bool
}

func (s *session) run(pump func() error) {
	// An error is the end of the connection, and the clients' to report.
	_ = pump()
	_ = s.client.Close()
	_ = s.server.Close()
	s.proxy.mu.Lock()
	defer s.proxy.mu.Unlock()
	delete(s.proxy.conns, s.client)
	delete(s.proxy.conns, s.server)
}

func (s *session) fromClient() error {
	// The first message has no type; nor does it matter.
	startup, err := readMessage(s.client, nil)
	if err != nil {
		return err
	}
	if _, err := s.server.Write(startup); err != nil {
		return err
	}
	for {
		message, err := readTyped(s.client)
		if err != nil {
			return err
		}
		cut := s.sent(message)
		if cut {
			s.mu.Lock()
			s.lost = true
			s.mu.Unlock()
		}
		if _, err := s.server.Write(message); err != nil {
			return err
		}
	}
}

// sent notes a message of the client and reports whether it is the one to cut
// the connection after.
func (s *session) sent(message []byte) bool {
	statement, ok := text(message)
	if !ok {
		return false
	}
	p := s.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	p.statements = append(p.statements, statement)
	if p.cut == nil || !p.cut(statement) {
		return false
	}
	p.cut = nil
	return true
}

// text returns the SQL in a message: of Query, or of Parse behind the name.
func text(message []byte) (statement string, ok bool) {
	body := string(message[5:])
	switch message[0] {
	case 'P':
		_, body, _ = strings.Cut(body, "\x00")
	case 'Q':
	default:
		return "", false
	}
	statement, _, _ = strings.Cut(body, "\x00")
	return statement, true
}

func (s *session) fromServer() error {
	for {
		message, err := readTyped(s.server)
		if err != nil {
			return err
		}
		s.mu.Lock()
		lost := s.lost
		s.mu.Unlock()
		// ReadyForQuery, CopyInResponse
		if ready := message[0] == 'Z' || message[0] == 'G'; ready {
			if lost {
				return errors.New("cut on purpose")
			}
			s.proxy.mu.Lock()
			s.proxy.roundTrips++
			s.proxy.mu.Unlock()
		}
		if lost {
			continue
		}
		if _, err := s.client.Write(message); err != nil {
			return err
		}
	}
}

func readTyped(r io.Reader) ([]byte, error) {
	kind := make([]byte, 1)
	if _, err := io.ReadFull(r, kind); err != nil {
		return nil, err
	}
	return readMessage(r, kind)
}

// readMessage reads the length, which counts itself, and the rest.
func readMessage(r io.Reader, prefix []byte) ([]byte, error) {
	length := make([]byte, 4)
	if _, err := io.ReadFull(r, length); err != nil {
		return nil, err
	}
	const maxLength = 1 << 30
	n := binary.BigEndian.Uint32(length)
	if n < 4 || n > maxLength {
		return nil, errors.New("not a message")
	}
	message := append(append([]byte{}, prefix...), length...)
	rest := make([]byte, n-4)
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, err
	}
	return append(message, rest...), nil
}
