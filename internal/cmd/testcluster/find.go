//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

const (
	oldestMajor = 14
	newestMajor = 18
)

// findServer returns the directory with initdb and postgres, fetching them if need be.
func findServer(opts options) (string, error) {
	switch {
	case opts.bin != "":
		dir, err := filepath.Abs(opts.bin)
		if err != nil {
			return "", err
		}
		if !hasServer(dir) {
			return "", fmt.Errorf("no initdb and postgres in %s", dir)
		}
		return dir, nil
	case opts.major != 0:
		return fetchMajor(opts.major)
	}
	if dir := installedServer(); dir != "" {
		return dir, nil
	}
	if err := installServer(); err != nil {
		return "", err
	}
	if dir := installedServer(); dir != "" {
		return dir, nil
	}
	return "", errors.New("PostgreSQL was installed, but no initdb and postgres were found; name their directory with -bin")
}

func hasServer(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

// installedServer returns "" if there is none. Debian keeps the server out of the PATH.
func installedServer() string {
	newest, newestMajor := "", 0
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // The pattern is valid, so there is no error.
	for _, dir := range dirs {
		major, err := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		if err == nil && major > newestMajor && hasServer(dir) {
			newest, newestMajor = dir, major
		}
	}
	if newest != "" {
		return newest
	}
	out, err := exec.Command("pg_config", "--bindir").Output()
	if dir := strings.TrimSpace(string(out)); err == nil && hasServer(dir) {
		return dir
	}
	return ""
}

func installServer() error {
	if _, err := exec.LookPath("apt-get"); err != nil || os.Getuid() != 0 {
		return errors.New("no PostgreSQL server found: initdb and postgres are neither under " +
			"/usr/lib/postgresql nor where pg_config points.\n" +
			"Try: install PostgreSQL 14 or newer with its contrib extensions " +
			"(Debian: apt-get install postgresql postgresql-contrib), " +
			"or name the directory of its programs with -bin, " +
			"or set " + envURL + " to the superuser URL of a test server on this machine")
	}
	if err := aptGet("update"); err != nil {
		fmt.Fprintf(os.Stderr, "testcluster: going on with the package lists as they are: %v\n", err)
	}
	if err := aptGet("install", "--yes", "--no-install-recommends", "postgresql", "postgresql-contrib"); err != nil {
		return err
	}
	// Optional: the tests through PgBouncer skip themselves without it.
	if err := aptGet("install", "--yes", "--no-install-recommends", "pgbouncer"); err != nil {
		fmt.Fprintf(os.Stderr, "testcluster: no PgBouncer, its tests will be skipped: %v\n", err)
	}
	return nil
}

func aptGet(args ...string) error {
	fmt.Fprintf(os.Stderr, "testcluster: apt-get %s\n", strings.Join(args, " "))
	cmd := exec.Command("apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr // Standard output belongs to the command.
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get %s: %w", args[0], err)
	}
	return nil
}

// fetchMajor returns the server of one major version from internal/testservers.
func fetchMajor(major int) (string, error) {
	if major < oldestMajor || major > newestMajor {
		return "", fmt.Errorf("-major %d: want %d to %d", major, oldestMajor, newestMajor)
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("-major works on linux/amd64 only, not on %s/%s\nTry: -bin with a server of your own",
			runtime.GOOS, runtime.GOARCH)
	}
	root, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	servers := filepath.Join(root, "internal", "testservers")
	pkg := filepath.Join(servers, "node_modules", fmt.Sprintf("pg%d", major))
	bin := filepath.Join(pkg, "native", "bin")
	if !hasServer(bin) {
		if _, err := exec.LookPath("npm"); err != nil {
			return "", errors.New("-major fetches its servers with npm, which is not installed\n" +
				"Try: install Node.js with npm, or use -bin with a server of your own")
		}
		fmt.Fprintln(os.Stderr, "testcluster: npm ci in internal/testservers")
		cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-progress")
		cmd.Dir = servers
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("npm ci: %w", err)
		}
		if !hasServer(bin) {
			return "", fmt.Errorf("npm ci left no server in %s", bin)
		}
	}
	return bin, linkLibraries(pkg)
}

// linkLibraries creates the shared libraries' symbolic links. npm packages cannot hold links, so
// the package lists them in a file; its install script does the same, but npm may not run it.
func linkLibraries(pkg string) error {
	data, err := os.ReadFile(filepath.Join(pkg, "native", "pg-symlinks.json"))
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(data, &links); err != nil {
		return fmt.Errorf("read pg-symlinks.json: %w", err)
	}
	for _, link := range links {
		target := filepath.Join(pkg, filepath.FromSlash(link.Target))
		source, err := filepath.Rel(filepath.Dir(link.Target), link.Source)
		if err != nil {
			return err
		}
		if err := os.Symlink(source, target); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}
