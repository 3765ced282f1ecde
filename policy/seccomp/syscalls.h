/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The system calls of Linux: S(name, number on x86_64, on aarch64), -1 where it
 * is not there. Numbers, not names, because an older kernel header or library at
 * build time must not make another filter. What becomes of each call is said in
 * profiles/; a number that is not listed gets ENOSYS: newer than this list, or
 * never there.
 */
#ifndef CAISSON_SYSCALLS_H
#define CAISSON_SYSCALLS_H

/* clang-format off */
#define FLOOR_SYSCALLS_OF_LINUX(S) \
	S(read, 0, 63) S(write, 1, 64) S(open, 2, -1) S(close, 3, 57) S(stat, 4, -1) \
	S(fstat, 5, 80) S(lstat, 6, -1) S(poll, 7, -1) S(lseek, 8, 62) S(mmap, 9, 222) \
	S(mprotect, 10, 226) S(munmap, 11, 215) S(brk, 12, 214) S(rt_sigaction, 13, 134) \
	S(rt_sigprocmask, 14, 135) S(rt_sigreturn, 15, 139) S(ioctl, 16, 29) S(pread64, 17, 67) \
	S(pwrite64, 18, 68) S(readv, 19, 65) S(writev, 20, 66) S(access, 21, -1) \
	S(pipe, 22, -1) S(select, 23, -1) S(sched_yield, 24, 124) S(mremap, 25, 216) \
	S(msync, 26, 227) S(mincore, 27, 232) S(madvise, 28, 233) S(shmget, 29, 194) \
	S(shmat, 30, 196) S(shmctl, 31, 195) S(dup, 32, 23) S(dup2, 33, -1) S(pause, 34, -1) \
	S(nanosleep, 35, 101) S(getitimer, 36, 102) S(alarm, 37, -1) S(setitimer, 38, 103) \
	S(getpid, 39, 172) S(sendfile, 40, 71) S(socket, 41, 198) S(connect, 42, 203) \
	S(accept, 43, 202) S(sendto, 44, 206) S(recvfrom, 45, 207) S(sendmsg, 46, 211) \
	S(recvmsg, 47, 212) S(shutdown, 48, 210) S(bind, 49, 200) S(listen, 50, 201) \
	S(getsockname, 51, 204) S(getpeername, 52, 205) S(socketpair, 53, 199) \
	S(setsockopt, 54, 208) S(getsockopt, 55, 209) S(clone, 56, 220) S(fork, 57, -1) \
	S(vfork, 58, -1) S(execve, 59, 221) S(exit, 60, 93) S(wait4, 61, 260) S(kill, 62, 129) \
	S(uname, 63, 160) S(semget, 64, 190) S(semop, 65, 193) S(semctl, 66, 191) \
	S(shmdt, 67, 197) S(msgget, 68, 186) S(msgsnd, 69, 189) S(msgrcv, 70, 188) \
	S(msgctl, 71, 187) S(fcntl, 72, 25) S(flock, 73, 32) S(fsync, 74, 82) \
	S(fdatasync, 75, 83) S(truncate, 76, 45) S(ftruncate, 77, 46) S(getdents, 78, -1) \
	S(getcwd, 79, 17) S(chdir, 80, 49) S(fchdir, 81, 50) S(rename, 82, -1) S(mkdir, 83, -1) \
	S(rmdir, 84, -1) S(creat, 85, -1) S(link, 86, -1) S(unlink, 87, -1) S(symlink, 88, -1) \
	S(readlink, 89, -1) S(chmod, 90, -1) S(fchmod, 91, 52) S(chown, 92, -1) \
	S(fchown, 93, 55) S(lchown, 94, -1) S(umask, 95, 166) S(gettimeofday, 96, 169) \
	S(getrlimit, 97, 163) S(getrusage, 98, 165) S(sysinfo, 99, 179) S(times, 100, 153) \
	S(ptrace, 101, 117) S(getuid, 102, 174) S(syslog, 103, 116) S(getgid, 104, 176) \
	S(setuid, 105, 146) S(setgid, 106, 144) S(geteuid, 107, 175) S(getegid, 108, 177) \
	S(setpgid, 109, 154) S(getppid, 110, 173) S(getpgrp, 111, -1) S(setsid, 112, 157) \
	S(setreuid, 113, 145) S(setregid, 114, 143) S(getgroups, 115, 158) \
	S(setgroups, 116, 159) S(setresuid, 117, 147) S(getresuid, 118, 148) \
	S(setresgid, 119, 149) S(getresgid, 120, 150) S(getpgid, 121, 155) \
	S(setfsuid, 122, 151) S(setfsgid, 123, 152) S(getsid, 124, 156) S(capget, 125, 90) \
	S(capset, 126, 91) S(rt_sigpending, 127, 136) S(rt_sigtimedwait, 128, 137) \
	S(rt_sigqueueinfo, 129, 138) S(rt_sigsuspend, 130, 133) S(sigaltstack, 131, 132) \
	S(utime, 132, -1) S(mknod, 133, -1) S(personality, 135, 92) S(ustat, 136, -1) \
	S(statfs, 137, 43) S(fstatfs, 138, 44) S(sysfs, 139, -1) S(getpriority, 140, 141) \
	S(setpriority, 141, 140) S(sched_setparam, 142, 118) S(sched_getparam, 143, 121) \
	S(sched_setscheduler, 144, 119) S(sched_getscheduler, 145, 120) \
	S(sched_get_priority_max, 146, 125) S(sched_get_priority_min, 147, 126) \
	S(sched_rr_get_interval, 148, 127) S(mlock, 149, 228) S(munlock, 150, 229) \
	S(mlockall, 151, 230) S(munlockall, 152, 231) S(vhangup, 153, 58) \
	S(modify_ldt, 154, -1) S(pivot_root, 155, 41) S(prctl, 157, 167) S(arch_prctl, 158, -1) \
	S(adjtimex, 159, 171) S(setrlimit, 160, 164) S(chroot, 161, 51) S(sync, 162, 81) \
	S(acct, 163, 89) S(settimeofday, 164, 170) S(mount, 165, 40) S(umount2, 166, 39) \
	S(swapon, 167, 224) S(swapoff, 168, 225) S(reboot, 169, 142) S(sethostname, 170, 161) \
	S(setdomainname, 171, 162) S(iopl, 172, -1) S(ioperm, 173, -1) S(init_module, 175, 105) \
	S(delete_module, 176, 106) S(quotactl, 179, 60) S(gettid, 186, 178) \
	S(readahead, 187, 213) S(setxattr, 188, 5) S(lsetxattr, 189, 6) S(fsetxattr, 190, 7) \
	S(getxattr, 191, 8) S(lgetxattr, 192, 9) S(fgetxattr, 193, 10) S(listxattr, 194, 11) \
	S(llistxattr, 195, 12) S(flistxattr, 196, 13) S(removexattr, 197, 14) \
	S(lremovexattr, 198, 15) S(fremovexattr, 199, 16) S(tkill, 200, 130) S(time, 201, -1) \
	S(futex, 202, 98) S(sched_setaffinity, 203, 122) S(sched_getaffinity, 204, 123) \
	S(io_setup, 206, 0) S(io_destroy, 207, 1) S(io_getevents, 208, 4) S(io_submit, 209, 2) \
	S(io_cancel, 210, 3) S(lookup_dcookie, 212, 18) S(epoll_create, 213, -1) \
	S(remap_file_pages, 216, 234) S(getdents64, 217, 61) S(set_tid_address, 218, 96) \
	S(restart_syscall, 219, 128) S(semtimedop, 220, 192) S(fadvise64, 221, 223) \
	S(timer_create, 222, 107) S(timer_settime, 223, 110) S(timer_gettime, 224, 108) \
	S(timer_getoverrun, 225, 109) S(timer_delete, 226, 111) S(clock_settime, 227, 112) \
	S(clock_gettime, 228, 113) S(clock_getres, 229, 114) S(clock_nanosleep, 230, 115) \
	S(exit_group, 231, 94) S(epoll_wait, 232, -1) S(epoll_ctl, 233, 21) S(tgkill, 234, 131) \
	S(utimes, 235, -1) S(mbind, 237, 235) S(set_mempolicy, 238, 237) \
	S(get_mempolicy, 239, 236) S(mq_open, 240, 180) S(mq_unlink, 241, 181) \
	S(mq_timedsend, 242, 182) S(mq_timedreceive, 243, 183) S(mq_notify, 244, 184) \
	S(mq_getsetattr, 245, 185) S(kexec_load, 246, 104) S(waitid, 247, 95) \
	S(add_key, 248, 217) S(request_key, 249, 218) S(keyctl, 250, 219) \
	S(ioprio_set, 251, 30) S(ioprio_get, 252, 31) S(inotify_init, 253, -1) \
	S(inotify_add_watch, 254, 27) S(inotify_rm_watch, 255, 28) S(migrate_pages, 256, 238) \
	S(openat, 257, 56) S(mkdirat, 258, 34) S(mknodat, 259, 33) S(fchownat, 260, 54) \
	S(futimesat, 261, -1) S(newfstatat, 262, 79) S(unlinkat, 263, 35) S(renameat, 264, 38) \
	S(linkat, 265, 37) S(symlinkat, 266, 36) S(readlinkat, 267, 78) S(fchmodat, 268, 53) \
	S(faccessat, 269, 48) S(pselect6, 270, 72) S(ppoll, 271, 73) S(unshare, 272, 97) \
	S(set_robust_list, 273, 99) S(get_robust_list, 274, 100) S(splice, 275, 76) \
	S(tee, 276, 77) S(sync_file_range, 277, 84) S(vmsplice, 278, 75) \
	S(move_pages, 279, 239) S(utimensat, 280, 88) S(epoll_pwait, 281, 22) \
	S(signalfd, 282, -1) S(timerfd_create, 283, 85) S(eventfd, 284, -1) \
	S(fallocate, 285, 47) S(timerfd_settime, 286, 86) S(timerfd_gettime, 287, 87) \
	S(accept4, 288, 242) S(signalfd4, 289, 74) S(eventfd2, 290, 19) \
	S(epoll_create1, 291, 20) S(dup3, 292, 24) S(pipe2, 293, 59) S(inotify_init1, 294, 26) \
	S(preadv, 295, 69) S(pwritev, 296, 70) S(rt_tgsigqueueinfo, 297, 240) \
	S(perf_event_open, 298, 241) S(recvmmsg, 299, 243) S(fanotify_init, 300, 262) \
	S(fanotify_mark, 301, 263) S(prlimit64, 302, 261) S(name_to_handle_at, 303, 264) \
	S(open_by_handle_at, 304, 265) S(clock_adjtime, 305, 266) S(syncfs, 306, 267) \
	S(sendmmsg, 307, 269) S(setns, 308, 268) S(getcpu, 309, 168) \
	S(process_vm_readv, 310, 270) S(process_vm_writev, 311, 271) S(kcmp, 312, 272) \
	S(finit_module, 313, 273) S(sched_setattr, 314, 274) S(sched_getattr, 315, 275) \
	S(renameat2, 316, 276) S(seccomp, 317, 277) S(getrandom, 318, 278) \
	S(memfd_create, 319, 279) S(kexec_file_load, 320, 294) S(bpf, 321, 280) \
	S(execveat, 322, 281) S(userfaultfd, 323, 282) S(membarrier, 324, 283) \
	S(mlock2, 325, 284) S(copy_file_range, 326, 285) S(preadv2, 327, 286) \
	S(pwritev2, 328, 287) S(pkey_mprotect, 329, 288) S(pkey_alloc, 330, 289) \
	S(pkey_free, 331, 290) S(statx, 332, 291) S(io_pgetevents, 333, 292) S(rseq, 334, 293) \
	S(uretprobe, 335, -1) S(uprobe, 336, -1) S(pidfd_send_signal, 424, 424) \
	S(io_uring_setup, 425, 425) S(io_uring_enter, 426, 426) S(io_uring_register, 427, 427) \
	S(open_tree, 428, 428) S(move_mount, 429, 429) S(fsopen, 430, 430) \
	S(fsconfig, 431, 431) S(fsmount, 432, 432) S(fspick, 433, 433) S(pidfd_open, 434, 434) \
	S(clone3, 435, 435) S(close_range, 436, 436) S(openat2, 437, 437) \
	S(pidfd_getfd, 438, 438) S(faccessat2, 439, 439) S(process_madvise, 440, 440) \
	S(epoll_pwait2, 441, 441) S(mount_setattr, 442, 442) S(quotactl_fd, 443, 443) \
	S(landlock_create_ruleset, 444, 444) S(landlock_add_rule, 445, 445) \
	S(landlock_restrict_self, 446, 446) S(memfd_secret, 447, 447) \
	S(process_mrelease, 448, 448) S(futex_waitv, 449, 449) \
	S(set_mempolicy_home_node, 450, 450) S(cachestat, 451, 451) S(fchmodat2, 452, 452) \
	S(map_shadow_stack, 453, 453) S(futex_wake, 454, 454) S(futex_wait, 455, 455) \
	S(futex_requeue, 456, 456) S(statmount, 457, 457) S(listmount, 458, 458) \
	S(lsm_get_self_attr, 459, 459) S(lsm_set_self_attr, 460, 460) \
	S(lsm_list_modules, 461, 461) S(mseal, 462, 462) S(setxattrat, 463, 463) \
	S(getxattrat, 464, 464) S(listxattrat, 465, 465) S(removexattrat, 466, 466) \
	S(open_tree_attr, 467, 467) S(file_getattr, 468, 468) S(file_setattr, 469, 469)
/* clang-format on */

#endif
