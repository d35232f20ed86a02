package main

import "syscall"

// serverAttr makes the kernel stop the server at once should this process be killed with SIGKILL.
func serverAttr(credential *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: credential, Pdeathsig: syscall.SIGQUIT}
}
