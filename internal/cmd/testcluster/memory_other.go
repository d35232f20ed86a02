//go:build unix && !linux

package main

func memoryDirectory() string { return "" }

func lockDirectory(string) error { return nil }
