//go:build unix

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 10 * time.Second

	directoryPattern = "chrononaut-*"
)

// cluster is a PostgreSQL server with its temporary directory.
type cluster struct {
	bin, dir   string
	lock       *os.File            // Holds the lock of the directory.
	copied     string              // The copy of the server, if there has to be one.
	settings   []string            // Settings of the server besides ours, as name=value.
	credential *syscall.Credential // Nil unless we are root, as whom PostgreSQL refuses to run.
	port       int
	server     *exec.Cmd
	died       chan struct{} // Closed when the server process has ended.
}

// newCluster makes the temporary directory, on a disk or where it is fastest, and fills it by initdb.
func newCluster(bin string, disk bool, settings []string) (_ *cluster, err error) {
	c := &cluster{bin: bin, settings: settings}
	if c.credential, err = unprivileged(); err != nil {
		return nil, err
	}
	temporary := ""
	if !c.canRead(os.TempDir()) {
		temporary = "/tmp"
	}
	parent := ""
	if !disk {
		parent = memoryDirectory()
	}
	if parent == "" {
		parent = temporary
	}
	if c.dir, err = os.MkdirTemp(parent, directoryPattern); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if c.lock, err = lockDirectory(c.dir); err != nil {
		return nil, err
	}

	if !c.canRead(bin) || !c.canRead(filepath.Join(bin, "postgres")) {
		// The repository may lie in a directory that only we may enter.
		// Not next to the data: nothing in memory may be executed on many machines.
		if c.copied, err = os.MkdirTemp(temporary, directoryPattern); err != nil {
			return nil, err
		}
		if err := os.CopyFS(c.copied, os.DirFS(filepath.Dir(bin))); err != nil {
			return nil, fmt.Errorf("copy the server: %w", err)
		}
		c.bin = filepath.Join(c.copied, filepath.Base(bin))
	}
	for _, dir := range []string{c.dir, c.copied} {
		if err := c.chown(dir); err != nil {
			return nil, err
		}
	}

	initdb := exec.Command(filepath.Join(c.bin, "initdb"), "--pgdata="+c.data(),
		"--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
	initdb.Dir = c.dir // The working directory may be closed to the other user.
	initdb.SysProcAttr = serverAttr(c.credential)
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return c, nil
}

// start returns when the server accepts connections.
func (c *cluster) start(signals <-chan os.Signal) error {
	// Another process may take the port between our looking for it and the server's binding it.
	const attempts = 5
	var err error
	for range attempts {
		if err = c.startOnce(signals); err == nil || !strings.Contains(c.logTail(), "could not bind") {
			return err
		}
	}
	return err
}

func (c *cluster) startOnce(signals <-chan os.Signal) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	log, err := os.Create(c.logFile())
	if err != nil {
		return err
	}
	defer log.Close()

	args := []string{"-D", c.data()}
	ours := []string{
		"listen_addresses=127.0.0.1",
		"port=" + strconv.Itoa(port),
		"unix_socket_directories=" + c.dir,
		"max_connections=300",
		"fsync=off",
		"synchronous_commit=off",
		"full_page_writes=off",
		// For the tests of logical replication and of two-phase commit.
		"wal_level=logical",
		"max_prepared_transactions=20",
		"timezone=UTC",
		"log_timezone=UTC",
	}
	for _, setting := range slices.Concat(ours, c.settings) {
		args = append(args, "-c", setting)
	}
	c.port = port
	c.server = exec.Command(filepath.Join(c.bin, "postgres"), args...)
	c.server.Dir = c.dir
	c.server.Stdout, c.server.Stderr = log, log
	c.server.SysProcAttr = serverAttr(c.credential)
	if err := c.server.Start(); err != nil {
		c.server = nil
		return fmt.Errorf("start postgres: %w", err)
	}
	died := make(chan struct{})
	c.died = died
	go func(server *exec.Cmd) {
		_ = server.Wait() // How the server ended is told by its log.
		close(died)
	}(c.server)

	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	timeout := time.After(startTimeout)
	for {
		select {
		case <-poll.C:
			if c.ready() {
				return nil
			}
		case <-died:
			return fmt.Errorf("the server did not start\n%s", c.logTail())
		case <-timeout:
			return fmt.Errorf("the server was not ready within %v\n%s", startTimeout, c.logTail())
		case sig := <-signals:
			return fmt.Errorf("stopped by a signal: %v", sig)
		}
	}
}

// ready reads what pg_ctl reads: line 8 of the lock file is the server's state.
func (c *cluster) ready() bool {
	data, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := strings.Split(string(data), "\n")
	return len(lines) >= 8 && strings.TrimSpace(lines[7]) == "ready"
}

// close stops the server and removes the directory.
func (c *cluster) close() error {
	if c.server != nil {
		for _, sig := range []syscall.Signal{
			syscall.SIGINT,  // Fast: roll back and shut down.
			syscall.SIGQUIT, // Immediate: just stop.
			syscall.SIGKILL,
		} {
			// An error means that the process is gone, which died tells us too.
			_ = c.server.Process.Signal(sig)
			if c.waitDied() {
				break
			}
		}
	}
	if c.lock != nil {
		_ = c.lock.Close() // It was only read.
	}
	// After a hard stop the server's children write for a moment longer.
	var err error
	for range 20 {
		err = os.RemoveAll(c.dir)
		if c.copied != "" {
			err = errors.Join(err, os.RemoveAll(c.copied))
		}
		if err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("remove the server's directory: %w", err)
}

func (c *cluster) waitDied() bool {
	select {
	case <-c.died:
		return true
	case <-time.After(stopTimeout):
		return false
	}
}

func (c *cluster) data() string    { return filepath.Join(c.dir, "data") }
func (c *cluster) logFile() string { return filepath.Join(c.dir, "log") }

func (c *cluster) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", c.port)
}

// logTail returns the end of the server's log for an error message.
func (c *cluster) logTail() string {
	const limit = 4096
	data, err := os.ReadFile(c.logFile())
	if err != nil {
		return ""
	}
	if len(data) > limit {
		data = data[len(data)-limit:]
	}
	return strings.TrimSpace(string(data))
}

// chown gives a directory to the user who runs the server.
func (c *cluster) chown(dir string) error {
	if c.credential == nil || dir == "" {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(c.credential.Uid), int(c.credential.Gid))
	})
}

// canRead tells whether the server's user can read path, going by the permissions for everybody.
func (c *cluster) canRead(path string) bool {
	if c.credential == nil {
		return true
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	const readAndEnter, enter = 0o005, 0o001
	need := os.FileMode(readAndEnter)
	for {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&need != need {
			return false
		}
		parent := filepath.Dir(path)
		if parent == path {
			return true
		}
		path, need = parent, enter
	}
}

// unprivileged returns the user to run the server as, or nil for ourselves.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
