//go:build unix

// Command testcluster runs a command with a throw-away PostgreSQL server:
//
//	go run ./internal/cmd/testcluster [-bin DIR | -major N] [-disk] [-set NAME=VALUE] ... -- go test ./...
//
// The command finds the server's superuser URL in CHRONONAUT_TEST_DATABASE_URL. If that variable is
// already set, and neither -bin nor -major is, the command simply runs against the server that it names.
//
// The server listens on a loopback port, keeps everything in a temporary directory, and is stopped
// and removed when the command ends, when a signal arrives, and when this program fails. It trades
// durability for speed and must never hold anything of value. On Linux the directory is in memory if
// there is plenty, unless TMPDIR says where it shall be, or -disk that it shall be on a disk.
//
// The exit status is the command's, 128 + n if signal n ended it, and 125 if the server could not
// be provided. Note that "go run" turns every failure into 1; build the program to see the rest.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

const (
	envURL = "CHRONONAUT_TEST_DATABASE_URL"

	// exitNoServer follows env(1) and timeout(1): the wrapper failed, not the command.
	exitNoServer = 125

	// killGrace is how long the command may take to end after a signal.
	killGrace = 15 * time.Second
)

// The server is killed by the kernel when the thread that started it ends (see serverAttr), so
// the main goroutine must keep the main thread, which lives as long as the process.
func init() { runtime.LockOSThread() }

func main() {
	var opts options
	flag.StringVar(&opts.bin, "bin", "", "`directory` with initdb and postgres; default: the newest installed version")
	flag.IntVar(&opts.major, "major", 0, "PostgreSQL `version` 14 to 18 from internal/testservers, fetched with npm")
	flag.BoolVar(&opts.disk, "disk", false, "keep the data on a disk, although there is room in memory")
	flag.Func("set", "a `setting` of the server, as name=value; may be repeated", func(setting string) error {
		opts.settings = append(opts.settings, setting)
		return nil
	})
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: testcluster [-bin DIR | -major N] [-disk] [-set NAME=VALUE] ... -- command [argument ...]\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 || (opts.bin != "" && opts.major != 0) {
		flag.Usage()
		os.Exit(2)
	}

	code, err := run(opts, flag.Args())
	if err != nil {
		fmt.Fprintf(os.Stderr, "testcluster: %v\n", err)
		if code == 0 {
			code = exitNoServer
		}
	}
	os.Exit(code)
}

type options struct {
	bin      string
	major    int
	disk     bool
	settings []string
}

// run returns the exit status; it must not call os.Exit, which would skip the clean-up.
func run(opts options, args []string) (code int, err error) {
	if os.Getenv(envURL) != "" && opts.bin == "" && opts.major == 0 {
		path, err := exec.LookPath(args[0])
		if err != nil {
			return 127, err
		}
		return 126, syscall.Exec(path, args, os.Environ())
	}

	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)

	bin, err := findServer(opts)
	if err != nil {
		return 0, err
	}
	cluster, err := newCluster(bin, opts.disk, opts.settings)
	if err != nil {
		return 0, err
	}
	defer func() {
		err = errors.Join(err, cluster.close())
	}()
	if err := cluster.start(signals); err != nil {
		return 0, err
	}
	return runCommand(args, append(os.Environ(), envURL+"="+cluster.url()), signals, cluster)
}

// runCommand runs the command, hands every signal on to it, and returns its exit status.
func runCommand(args, env []string, signals <-chan os.Signal, cluster *cluster) (int, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = env
	// In a process group of its own, a signal reaches the command's children too: the shell,
	// make and go test do not all pass signals on. A command with a terminal must stay in the
	// foreground group, or it could not read from the terminal.
	ownGroup := !stdinIsTerminal()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: ownGroup}
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	target := cmd.Process.Pid
	if ownGroup {
		target = -target
	}

	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var (
		grace      <-chan time.Time
		serverDied = cluster.died
		problem    error
	)
	for {
		select {
		case err := <-done:
			return exitCode(err, cmd.ProcessState), problem
		case sig := <-signals:
			// The command may just have ended by itself; then there is nobody to tell.
			_ = syscall.Kill(target, sig.(syscall.Signal))
			if grace == nil {
				grace = time.After(killGrace)
			}
		case <-grace:
			_ = syscall.Kill(target, syscall.SIGKILL)
		case <-serverDied:
			// The command is left to finish: its own messages say what it was doing.
			serverDied = nil
			problem = fmt.Errorf("the server died while the command ran\n%s", cluster.logTail())
		}
	}
}

// exitCode is the status a shell would report.
func exitCode(err error, state *os.ProcessState) int {
	if state == nil {
		return 1
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled():
		return 128 + int(status.Signal())
	case state.ExitCode() == 0 && err != nil:
		return 1 // The command succeeded, but its output could not be copied.
	default:
		return state.ExitCode()
	}
}

func stdinIsTerminal() bool {
	stdin, err := os.Stdin.Stat()
	if err != nil || stdin.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(stdin, null)
}

// repositoryRoot is the nearest directory upwards with internal/testservers in it.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "internal", "testservers", "package.json")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find internal/testservers: run testcluster from inside the repository")
		}
		dir = parent
	}
}
