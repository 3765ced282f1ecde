/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The system calls of Linux, with their numbers on x86_64 and aarch64 (-1: not
 * there), and what the floor does with each. Numbers, not names, because
 * an older kernel header at build time must not make a weaker floor.
 * A call that is not listed gets ENOSYS: newer than this list, or never there.
 * docs/seccomp.md gives the reasons.
 *
 * A(name, x86_64, aarch64)          allowed
 * D(name, x86_64, aarch64, errno)   denied
 * C(name, x86_64, aarch64, check)   allowed or not by its arguments
 */
#ifndef CAISSON_SYSCALLS_H
#define CAISSON_SYSCALLS_H

/* clang-format off */
#define FLOOR_DENIED(D) \
	/* the user's other processes, and descriptors that name one */ \
	D(pidfd_open, 434, 434, EPERM) D(pidfd_getfd, 438, 438, EPERM) \
	D(pidfd_send_signal, 424, 424, EPERM) D(ptrace, 101, 117, EPERM) \
	D(process_vm_readv, 310, 270, EPERM) D(process_vm_writev, 311, 271, EPERM) \
	D(process_madvise, 440, 440, EPERM) D(process_mrelease, 448, 448, EPERM) \
	D(kcmp, 312, 272, EPERM) \
	/* namespaces and mounts */ \
	D(setns, 308, 268, EPERM) D(mount, 165, 40, EPERM) D(umount2, 166, 39, EPERM) \
	D(pivot_root, 155, 41, EPERM) D(chroot, 161, 51, EPERM) D(open_tree, 428, 428, EPERM) \
	D(open_tree_attr, 467, 467, EPERM) D(move_mount, 429, 429, EPERM) \
	D(fsopen, 430, 430, EPERM) D(fsconfig, 431, 431, EPERM) D(fsmount, 432, 432, EPERM) \
	D(fspick, 433, 433, EPERM) D(mount_setattr, 442, 442, EPERM) \
	D(statmount, 457, 457, ENOSYS) D(listmount, 458, 458, ENOSYS) \
	/* file handles and watching whole file systems */ \
	D(name_to_handle_at, 303, 264, EPERM) D(open_by_handle_at, 304, 265, EPERM) \
	D(fanotify_init, 300, 262, EPERM) D(fanotify_mark, 301, 263, EPERM) \
	D(lookup_dcookie, 212, 18, EPERM) \
	/* large kernel interfaces with a record of holes */ \
	D(bpf, 321, 280, EPERM) D(perf_event_open, 298, 241, EPERM) \
	D(userfaultfd, 323, 282, EPERM) D(io_uring_setup, 425, 425, EPERM) \
	D(io_uring_enter, 426, 426, EPERM) D(io_uring_register, 427, 427, EPERM) \
	D(modify_ldt, 154, -1, ENOSYS) \
	/* keyrings */ \
	D(keyctl, 250, 219, EPERM) D(add_key, 248, 217, EPERM) D(request_key, 249, 218, EPERM) \
	/* the machine */ \
	D(syslog, 103, 116, EPERM) D(acct, 163, 89, EPERM) D(quotactl, 179, 60, EPERM) \
	D(quotactl_fd, 443, 443, EPERM) D(swapon, 167, 224, EPERM) D(swapoff, 168, 225, EPERM) \
	D(reboot, 169, 142, EPERM) D(kexec_load, 246, 104, EPERM) \
	D(kexec_file_load, 320, 294, EPERM) D(init_module, 175, 105, EPERM) \
	D(finit_module, 313, 273, EPERM) D(delete_module, 176, 106, EPERM) \
	D(iopl, 172, -1, EPERM) D(ioperm, 173, -1, EPERM) D(vhangup, 153, 58, EPERM) \
	D(settimeofday, 164, 170, EPERM) D(clock_settime, 227, 112, EPERM) \
	D(clock_adjtime, 305, 266, EPERM) D(adjtimex, 159, 171, EPERM) \
	D(sethostname, 170, 161, EPERM) D(setdomainname, 171, 162, EPERM) \
	/* their arguments are in memory, where a filter cannot look */ \
	D(clone3, 435, 435, ENOSYS) D(openat2, 437, 437, ENOSYS)

#define FLOOR_CHECKED(C) \
	C(chmod, 90, -1, MODE_1) C(fchmod, 91, 52, MODE_1) C(fchmodat, 268, 53, MODE_2) \
	C(fchmodat2, 452, 452, MODE_2) C(mknod, 133, -1, MODE_1) C(mknodat, 259, 33, MODE_2) \
	C(creat, 85, -1, MODE_1) C(open, 2, -1, OPEN) C(openat, 257, 56, OPENAT) \
	C(clone, 56, 220, CLONE) C(unshare, 272, 97, UNSHARE) C(move_pages, 279, 239, OWN_PID) \
	C(migrate_pages, 256, 238, OWN_PID) C(get_robust_list, 274, 100, OWN_PID) \
	C(personality, 135, 92, PERSONALITY) C(ioctl, 16, 29, IOCTL) C(socket, 41, 198, SOCKET) \
	C(socketpair, 53, 199, SOCKETPAIR) C(setsockopt, 54, 208, SETSOCKOPT)

#define FLOOR_ALLOWED(A) \
	A(read, 0, 63) A(write, 1, 64) A(close, 3, 57) A(stat, 4, -1) A(fstat, 5, 80) \
	A(lstat, 6, -1) A(poll, 7, -1) A(lseek, 8, 62) A(mmap, 9, 222) A(mprotect, 10, 226) \
	A(munmap, 11, 215) A(brk, 12, 214) A(rt_sigaction, 13, 134) A(rt_sigprocmask, 14, 135) \
	A(rt_sigreturn, 15, 139) A(pread64, 17, 67) A(pwrite64, 18, 68) A(readv, 19, 65) \
	A(writev, 20, 66) A(access, 21, -1) A(pipe, 22, -1) A(select, 23, -1) \
	A(sched_yield, 24, 124) A(mremap, 25, 216) A(msync, 26, 227) A(mincore, 27, 232) \
	A(madvise, 28, 233) A(shmget, 29, 194) A(shmat, 30, 196) A(shmctl, 31, 195) A(dup, 32, 23) \
	A(dup2, 33, -1) A(pause, 34, -1) A(nanosleep, 35, 101) A(getitimer, 36, 102) \
	A(alarm, 37, -1) A(setitimer, 38, 103) A(getpid, 39, 172) A(sendfile, 40, 71) \
	A(connect, 42, 203) A(accept, 43, 202) A(sendto, 44, 206) A(recvfrom, 45, 207) \
	A(sendmsg, 46, 211) A(recvmsg, 47, 212) A(shutdown, 48, 210) A(bind, 49, 200) \
	A(listen, 50, 201) A(getsockname, 51, 204) A(getpeername, 52, 205) A(getsockopt, 55, 209) \
	A(fork, 57, -1) A(vfork, 58, -1) A(execve, 59, 221) A(exit, 60, 93) A(wait4, 61, 260) \
	A(kill, 62, 129) A(uname, 63, 160) A(semget, 64, 190) A(semop, 65, 193) A(semctl, 66, 191) \
	A(shmdt, 67, 197) A(msgget, 68, 186) A(msgsnd, 69, 189) A(msgrcv, 70, 188) \
	A(msgctl, 71, 187) A(fcntl, 72, 25) A(flock, 73, 32) A(fsync, 74, 82) A(fdatasync, 75, 83) \
	A(truncate, 76, 45) A(ftruncate, 77, 46) A(getdents, 78, -1) A(getcwd, 79, 17) \
	A(chdir, 80, 49) A(fchdir, 81, 50) A(rename, 82, -1) A(mkdir, 83, -1) A(rmdir, 84, -1) \
	A(link, 86, -1) A(unlink, 87, -1) A(symlink, 88, -1) A(readlink, 89, -1) A(chown, 92, -1) \
	A(fchown, 93, 55) A(lchown, 94, -1) A(umask, 95, 166) A(gettimeofday, 96, 169) \
	A(getrlimit, 97, 163) A(getrusage, 98, 165) A(sysinfo, 99, 179) A(times, 100, 153) \
	A(getuid, 102, 174) A(getgid, 104, 176) A(setuid, 105, 146) A(setgid, 106, 144) \
	A(geteuid, 107, 175) A(getegid, 108, 177) A(setpgid, 109, 154) A(getppid, 110, 173) \
	A(getpgrp, 111, -1) A(setsid, 112, 157) A(setreuid, 113, 145) A(setregid, 114, 143) \
	A(getgroups, 115, 158) A(setgroups, 116, 159) A(setresuid, 117, 147) \
	A(getresuid, 118, 148) A(setresgid, 119, 149) A(getresgid, 120, 150) A(getpgid, 121, 155) \
	A(setfsuid, 122, 151) A(setfsgid, 123, 152) A(getsid, 124, 156) A(capget, 125, 90) \
	A(capset, 126, 91) A(rt_sigpending, 127, 136) A(rt_sigtimedwait, 128, 137) \
	A(rt_sigqueueinfo, 129, 138) A(rt_sigsuspend, 130, 133) A(sigaltstack, 131, 132) \
	A(utime, 132, -1) A(ustat, 136, -1) A(statfs, 137, 43) A(fstatfs, 138, 44) \
	A(sysfs, 139, -1) A(getpriority, 140, 141) A(setpriority, 141, 140) \
	A(sched_setparam, 142, 118) A(sched_getparam, 143, 121) A(sched_setscheduler, 144, 119) \
	A(sched_getscheduler, 145, 120) A(sched_get_priority_max, 146, 125) \
	A(sched_get_priority_min, 147, 126) A(sched_rr_get_interval, 148, 127) A(mlock, 149, 228) \
	A(munlock, 150, 229) A(mlockall, 151, 230) A(munlockall, 152, 231) A(prctl, 157, 167) \
	A(arch_prctl, 158, -1) A(setrlimit, 160, 164) A(sync, 162, 81) A(gettid, 186, 178) \
	A(readahead, 187, 213) A(setxattr, 188, 5) A(lsetxattr, 189, 6) A(fsetxattr, 190, 7) \
	A(getxattr, 191, 8) A(lgetxattr, 192, 9) A(fgetxattr, 193, 10) A(listxattr, 194, 11) \
	A(llistxattr, 195, 12) A(flistxattr, 196, 13) A(removexattr, 197, 14) \
	A(lremovexattr, 198, 15) A(fremovexattr, 199, 16) A(tkill, 200, 130) A(time, 201, -1) \
	A(futex, 202, 98) A(sched_setaffinity, 203, 122) A(sched_getaffinity, 204, 123) \
	A(io_setup, 206, 0) A(io_destroy, 207, 1) A(io_getevents, 208, 4) A(io_submit, 209, 2) \
	A(io_cancel, 210, 3) A(epoll_create, 213, -1) A(remap_file_pages, 216, 234) \
	A(getdents64, 217, 61) A(set_tid_address, 218, 96) A(restart_syscall, 219, 128) \
	A(semtimedop, 220, 192) A(fadvise64, 221, 223) A(timer_create, 222, 107) \
	A(timer_settime, 223, 110) A(timer_gettime, 224, 108) A(timer_getoverrun, 225, 109) \
	A(timer_delete, 226, 111) A(clock_gettime, 228, 113) A(clock_getres, 229, 114) \
	A(clock_nanosleep, 230, 115) A(exit_group, 231, 94) A(epoll_wait, 232, -1) \
	A(epoll_ctl, 233, 21) A(tgkill, 234, 131) A(utimes, 235, -1) A(mbind, 237, 235) \
	A(set_mempolicy, 238, 237) A(get_mempolicy, 239, 236) A(mq_open, 240, 180) \
	A(mq_unlink, 241, 181) A(mq_timedsend, 242, 182) A(mq_timedreceive, 243, 183) \
	A(mq_notify, 244, 184) A(mq_getsetattr, 245, 185) A(waitid, 247, 95) \
	A(ioprio_set, 251, 30) A(ioprio_get, 252, 31) A(inotify_init, 253, -1) \
	A(inotify_add_watch, 254, 27) A(inotify_rm_watch, 255, 28) A(mkdirat, 258, 34) \
	A(fchownat, 260, 54) A(futimesat, 261, -1) A(newfstatat, 262, 79) A(unlinkat, 263, 35) \
	A(renameat, 264, 38) A(linkat, 265, 37) A(symlinkat, 266, 36) A(readlinkat, 267, 78) \
	A(faccessat, 269, 48) A(pselect6, 270, 72) A(ppoll, 271, 73) A(set_robust_list, 273, 99) \
	A(splice, 275, 76) A(tee, 276, 77) A(sync_file_range, 277, 84) A(vmsplice, 278, 75) \
	A(utimensat, 280, 88) A(epoll_pwait, 281, 22) A(signalfd, 282, -1) \
	A(timerfd_create, 283, 85) A(eventfd, 284, -1) A(fallocate, 285, 47) \
	A(timerfd_settime, 286, 86) A(timerfd_gettime, 287, 87) A(accept4, 288, 242) \
	A(signalfd4, 289, 74) A(eventfd2, 290, 19) A(epoll_create1, 291, 20) A(dup3, 292, 24) \
	A(pipe2, 293, 59) A(inotify_init1, 294, 26) A(preadv, 295, 69) A(pwritev, 296, 70) \
	A(rt_tgsigqueueinfo, 297, 240) A(recvmmsg, 299, 243) A(prlimit64, 302, 261) \
	A(syncfs, 306, 267) A(sendmmsg, 307, 269) A(getcpu, 309, 168) A(sched_setattr, 314, 274) \
	A(sched_getattr, 315, 275) A(renameat2, 316, 276) A(seccomp, 317, 277) \
	A(getrandom, 318, 278) A(memfd_create, 319, 279) A(execveat, 322, 281) \
	A(membarrier, 324, 283) A(mlock2, 325, 284) A(copy_file_range, 326, 285) \
	A(preadv2, 327, 286) A(pwritev2, 328, 287) A(pkey_mprotect, 329, 288) \
	A(pkey_alloc, 330, 289) A(pkey_free, 331, 290) A(statx, 332, 291) \
	A(io_pgetevents, 333, 292) A(rseq, 334, 293) A(uretprobe, 335, -1) A(uprobe, 336, -1) \
	A(close_range, 436, 436) A(faccessat2, 439, 439) A(epoll_pwait2, 441, 441) \
	A(landlock_create_ruleset, 444, 444) A(landlock_add_rule, 445, 445) \
	A(landlock_restrict_self, 446, 446) A(memfd_secret, 447, 447) A(futex_waitv, 449, 449) \
	A(set_mempolicy_home_node, 450, 450) A(cachestat, 451, 451) A(map_shadow_stack, 453, 453) \
	A(futex_wake, 454, 454) A(futex_wait, 455, 455) A(futex_requeue, 456, 456) \
	A(lsm_get_self_attr, 459, 459) A(lsm_set_self_attr, 460, 460) \
	A(lsm_list_modules, 461, 461) A(mseal, 462, 462) A(setxattrat, 463, 463) \
	A(getxattrat, 464, 464) A(listxattrat, 465, 465) A(removexattrat, 466, 466) \
	A(file_getattr, 468, 468) A(file_setattr, 469, 469)
/* clang-format on */

#endif
