//go:build unix && !linux

package main

import "os"

func memoryDirectory() string { return "" }

func lockDirectory(dir string) (*os.File, error) { return os.Open(dir) }
