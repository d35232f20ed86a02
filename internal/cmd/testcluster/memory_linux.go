package main

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	sharedMemory = "/dev/shm"

	// A run of all tests needs less than 1 GiB of the file system. It is in memory, which the
	// server and the tests need as well.
	needFree      = 3 << 30
	needAvailable = 6 << 30

	// A directory is locked a moment after it is made.
	lockedWithin = time.Minute
)

// memoryDirectory returns a file system in memory that has room for a cluster, or "".
//
// Every test creates and drops a database of some 300 files. On a disk most of that time goes to
// the file system's search for an inode: ext4 passes over those that were deleted a short while ago,
// one by one.
func memoryDirectory() string {
	if os.Getenv("TMPDIR") != "" {
		return "" // Whoever sets it has chosen.
	}
	const tmpfs = 0x01021994
	var fs syscall.Statfs_t
	if err := syscall.Statfs(sharedMemory, &fs); err != nil || fs.Type != tmpfs {
		return ""
	}
	removeAbandoned(sharedMemory)
	if err := syscall.Statfs(sharedMemory, &fs); err != nil || int64(fs.Bavail)*fs.Bsize < needFree || available() < needAvailable {
		return ""
	}
	return sharedMemory
}

// available is the memory that can be had without swapping, in bytes, or 0 if it is not known.
func available() int64 {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 && fields[0] == "MemAvailable:" {
			kilobytes, _ := strconv.ParseInt(fields[1], 10, 64) // 0 if it is something else.
			return kilobytes << 10
		}
	}
	return 0
}

// lockDirectory marks a cluster's directory as in use, until the file is closed.
func lockDirectory(dir string) (*os.File, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// removeAbandoned removes the directories of processes that were killed: in memory they would cost
// more than they do on a disk.
func removeAbandoned(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, directoryPattern)) // The pattern is valid.
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < lockedWithin {
			continue
		}
		file, err := os.Open(dir)
		if err != nil {
			continue // Another user's.
		}
		if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(dir) // What cannot be removed is left.
		}
		_ = file.Close()
	}
}
