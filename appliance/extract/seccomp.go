package extract

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The values of seccomp(2) and of the words a filter returns.
const (
	seccompSetFilter = 1
	seccompSync      = 1 // over all threads of the process, or not at all
	answerAllow      = 0x7fff0000
	answerRefuse     = 0x00050000 | uint32(unix.EPERM)
	answerUnknown    = 0x00050000 | uint32(unix.ENOSYS) // "this kernel has no such call": programs then take the older one
	answerKill       = 0x80000000
)

// wall is what a filter is made for.
type wall struct {
	pid   int
	write bool // files may be written: only of the child that fills the cache
	open  bool // files may be opened
	exec  bool // another program may be started: tesseract
}

// refused are the calls no child needs: the network, other processes, the
// kernel's own doors. io_uring is among them because it opens sockets past any
// filter.
func refused() []uint32 {
	return []uint32{
		unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
		unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG, unix.SYS_RECVFROM, unix.SYS_RECVMSG, unix.SYS_RECVMMSG,
		unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_KCMP,
		unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL,
		unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO,
		unix.SYS_SETPRIORITY, unix.SYS_SCHED_SETSCHEDULER, unix.SYS_SCHED_SETPARAM, unix.SYS_SCHED_SETATTR, unix.SYS_IOPRIO_SET,
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_SETNS, unix.SYS_UNSHARE,
		unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
		unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
		unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT,
		unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME,
		unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_SYSLOG, unix.SYS_VHANGUP, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT,
		unix.SYS_FANOTIFY_INIT, unix.SYS_INOTIFY_INIT1, unix.SYS_MQ_OPEN, unix.SYS_MSGGET, unix.SYS_SEMGET, unix.SYS_SHMGET, unix.SYS_SHMAT,
		unix.SYS_SETUID, unix.SYS_SETGID, unix.SYS_SETREUID, unix.SYS_SETREGID, unix.SYS_SETRESUID, unix.SYS_SETRESGID, unix.SYS_SETGROUPS, unix.SYS_SETSID, unix.SYS_SETPGID,
		unix.SYS_PERSONALITY,
	}
}

// changing are the calls that change files by their names or their properties.
func changing() []uint32 {
	return append(oldChanging(), unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2, unix.SYS_MKDIRAT, unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_MKNODAT,
		unix.SYS_FCHMODAT, unix.SYS_FCHMOD, unix.SYS_FCHOWNAT, unix.SYS_FCHOWN, unix.SYS_TRUNCATE, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE, unix.SYS_UTIMENSAT,
		unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR,
		unix.SYS_MEMFD_CREATE)
}

// filter is the program the kernel runs before each call. It lists what is
// refused: a list of what is allowed would break with every version of Go's
// runtime and of tesseract.
func (w wall) filter() []unix.SockFilter {
	var p []unix.SockFilter
	load := func(offset uint32) {
		p = append(p, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset})
	}
	end := func(answer uint32) {
		p = append(p, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: answer})
	}
	equal := func(value uint32, yes, no uint8) {
		p = append(p, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jt: yes, Jf: no})
	}
	has := func(bits uint32, yes, no uint8) {
		p = append(p, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: bits, Jt: yes, Jf: no})
	}
	low := func(argument uint32) uint32 { return 16 + 8*argument } // both machines are little-endian

	load(4) // the machine whose numbers are used
	equal(auditMachine, 1, 0)
	end(answerKill)
	load(0) // the number of the call
	p = append(p, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: 0x40000000, Jf: 1})
	end(answerKill) // the numbers of x32 are a second way to every call

	list := refused()
	if !w.write {
		list = append(list, changing()...)
	}
	if !w.open {
		list = append(list, append(oldOpening(), unix.SYS_OPENAT)...)
	}
	if !w.exec {
		list = append(list, append(oldForking(), unix.SYS_EXECVE, unix.SYS_EXECVEAT)...)
	}
	for _, call := range list {
		equal(call, 0, 1)
		end(answerRefuse)
	}
	// Their arguments lie in memory, which a filter cannot read.
	for _, call := range []uint32{unix.SYS_CLONE3, unix.SYS_OPENAT2} {
		equal(call, 0, 1)
		end(answerUnknown)
	}
	if !w.exec { // threads, no processes
		equal(unix.SYS_CLONE, 0, 4)
		load(low(0))
		has(unix.CLONE_THREAD, 1, 0)
		end(answerRefuse)
		end(answerAllow)
	}
	if w.open && !w.write {
		equal(unix.SYS_OPENAT, 0, 4)
		load(low(2))
		has(unix.O_WRONLY|unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC, 0, 1)
		end(answerRefuse)
		end(answerAllow)
		for _, call := range oldOpening() {
			equal(call, 0, 1)
			end(answerRefuse)
		}
	}
	// Go's scheduler signals its own threads; no other process may be signalled.
	equal(unix.SYS_TGKILL, 0, 4)
	load(low(0))
	equal(uint32(w.pid), 1, 0)
	end(answerRefuse)
	end(answerAllow)
	// Limits may be read, of this process only.
	equal(unix.SYS_PRLIMIT64, 0, 6)
	load(low(0))
	equal(0, 0, 2)
	load(low(2))
	equal(0, 1, 0)
	end(answerRefuse)
	end(answerAllow)
	end(answerAllow)
	return p
}

// raise installs the filter over all threads. It cannot be taken away again;
// a second one can only refuse more.
func (w wall) raise() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no new privileges: %w", err)
	}
	w.pid = os.Getpid()
	program := w.filter()
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, seccompSetFilter, seccompSync, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return fmt.Errorf("install the filter of calls: %w", errno)
	}
	if thread != 0 {
		return fmt.Errorf("install the filter of calls: thread %d does not take it", thread)
	}
	return nil
}
