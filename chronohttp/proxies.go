package chronohttp

import (
	"net"
	"net/http"
	"net/netip"
)

// Forwarding is a header in which proxies name who asked them.
type Forwarding int

const (
	// XForwardedFor is the header X-Forwarded-For: a list of addresses.
	XForwardedFor Forwarding = iota
	// Forwarded is the header Forwarded of RFC 7239: for=192.0.2.43,
	// for="[2001:db8::17]:4711";proto=https.
	Forwarded
)

// proxies knows who the proxies in front of the server are.
type proxies struct {
	networks   []netip.Prefix
	unix       bool
	forwarding Forwarding
}

func newProxies(opts *Options) *proxies {
	p := &proxies{unix: opts.TrustUnixSocket, forwarding: opts.Forwarding}
	for _, network := range opts.TrustedProxies {
		// Addresses are compared unmapped.
		if addr, bits := network.Addr(), network.Bits()-96; addr.Is4In6() && bits >= 0 {
			network = netip.PrefixFrom(addr.Unmap(), bits)
		}
		p.networks = append(p.networks, network)
	}
	return p
}

// client returns the address that a request comes from, as far as it is known
// for certain, and whether it came through a trusted proxy. Each proxy adds to
// the right of the header the address that connected to it. So the header is
// believed from the right as long as the one who wrote is trusted. Where it
// names no address, the nearest that is known is returned.
func (p *proxies) client(r *http.Request) (addr netip.Addr, trusted bool) {
	addr, known := peer(r)
	if !known {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		trusted = p.unix && local != nil && local.Network() == "unix"
	} else {
		trusted = p.contain(addr)
	}
	if !trusted {
		return addr, false
	}
	nodes := forwardedFor
	if p.forwarding == Forwarded {
		nodes = forwarded
	}
	for node := range nodes(r.Header) {
		next, ok := parseNode(node)
		if !ok {
			break
		}
		addr = next
		if !p.contain(addr) {
			break
		}
	}
	return addr, true
}

func (p *proxies) contain(addr netip.Addr) bool {
	for _, network := range p.networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// peer returns the address of the connection.
func peer(r *http.Request) (addr netip.Addr, ok bool) {
	if withPort, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return normal(withPort.Addr()), true
	}
	// A server of another kind may leave the port out.
	addr, err := netip.ParseAddr(r.RemoteAddr)
	return normal(addr), err == nil
}

// normal gives equal addresses equal forms. A zone means something only on the
// machine that named it.
func normal(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
