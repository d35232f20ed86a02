//go:build unix && !linux

package main

import "syscall"

// serverAttr puts the server in its own process group, out of the reach of the terminal's Ctrl-C.
func serverAttr(credential *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: credential}
}
