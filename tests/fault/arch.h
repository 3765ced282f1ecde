/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ptrace() leaves to each architecture: changing a call, its first arguments, its result. */
#ifndef CAISSON_TESTS_FAULT_ARCH_H
#define CAISSON_TESTS_FAULT_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#ifndef PTRACE_GET_SYSCALL_INFO
#define PTRACE_GET_SYSCALL_INFO 0x420e
#endif

/* struct ptrace_syscall_info, which older C libraries lack and newer ones call otherwise. */
struct arch_stop {
	uint8_t op, pad[3]; /* 1: entry, 2: exit */
	uint32_t arch;
	uint64_t instruction_pointer, stack_pointer;
	union {
		struct {
			uint64_t nr, args[6];
		} entry;
		struct {
			int64_t rval;
			uint8_t is_error;
		} exit;
	};
};

static inline bool arch_stop(pid_t pid, struct arch_stop *stop) {
	return ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(*stop), stop) > 0;
}

#if defined(__x86_64__)
#define ARCH_SUPPORTED 1

static inline bool arch_set(pid_t pid, size_t offset, uint64_t value) {
	return ptrace(PTRACE_POKEUSER, pid, (void *)offset, (void *)value) == 0;
}

static inline bool arch_set_call(pid_t pid, uint64_t nr) {
	return arch_set(pid, offsetof(struct user, regs.orig_rax), nr);
}

static inline bool arch_set_arg(pid_t pid, unsigned index, uint64_t value) {
	return arch_set(pid,
	                index == 0   ? offsetof(struct user, regs.rdi)
	                : index == 1 ? offsetof(struct user, regs.rsi)
	                             : offsetof(struct user, regs.rdx),
	                value);
}

static inline bool arch_set_result(pid_t pid, int64_t value) {
	return arch_set(pid, offsetof(struct user, regs.rax), (uint64_t)value);
}

#elif defined(__aarch64__)
#define ARCH_SUPPORTED 1

static inline bool arch_set_call(pid_t pid, uint64_t nr) {
	int call = (int)nr;
	struct iovec io = { &call, sizeof(call) };

	return ptrace(PTRACE_SETREGSET, pid, (void *)0x404 /* NT_ARM_SYSTEM_CALL */, &io) == 0;
}

static inline bool arch_set_arg(pid_t pid, unsigned index, uint64_t value) {
	struct user_regs_struct regs;
	struct iovec io = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)1 /* NT_PRSTATUS */, &io) != 0)
		return false;
	regs.regs[index] = value;
	return ptrace(PTRACE_SETREGSET, pid, (void *)1, &io) == 0;
}

static inline bool arch_set_result(pid_t pid, int64_t value) {
	return arch_set_arg(pid, 0, (uint64_t)value);
}

#else
#define ARCH_SUPPORTED 0
#define arch_set_call(pid, nr) (false)
#define arch_set_arg(pid, index, value) (false)
#define arch_set_result(pid, value) (false)
#endif

#endif
