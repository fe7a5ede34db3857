package library

import "syscall"

// niceness is what the thread asks for: a tenth of what others get where all of
// them want the processor.
const niceness = 10

// giveWay lowers the priority of the calling thread. Where that is not allowed
// the work is done as it is.
func giveWay() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness) }
