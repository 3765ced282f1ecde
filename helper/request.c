/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was asked, and by whom: the plan, and the process that waits for the answer. caisson-builder
 * reads both by this code, too.
 */
#include "helper.h"

/* Can its bytes no longer change? Only a memfd has seals. */
static bool sealed(int fd) {
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && !(~seals & (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
}

/*
 * With the caller's effective ids and no capability: whatever reading does, it
 * does with the caller's rights. The plan is copied once out of a memfd that can
 * no longer change, so that nothing is read twice.
 */
void read_plan(struct plan *plan) {
	static uint64_t bytes[CAISSON_PLAN_MAX_SIZE / 8 + 1];
	ssize_t n;
	uint32_t fault;

	at.stage = CAISSON_STAGE_PLAN;
	errno = EINVAL;
	need(sealed(CAISSON_FD_PLAN), PLAN_FORMAT, CAISSON_FAULT_FD);
	n = pread(CAISSON_FD_PLAN, bytes, sizeof(bytes), 0);
	fault = n < 0 ? CAISSON_FAULT_SIZE : plan_check(bytes, (size_t)n, plan, &at.record);
	need(fault == 0, PLAN_FORMAT, fault);
	for (at.record = 0; at.record < plan->head->records; at.record++) {
		const struct caisson_plan_record *r = &plan->record[at.record];
		int fd = CAISSON_FD_SOURCES + r->fd, flags = r->fd < 0 ? 0 : fcntl(fd, F_GETFL);

		errno = EINVAL;
		need(r->fd < 0 ||
		             (r->op == CAISSON_OP_FILE ? sealed(fd) : flags >= 0 && flags & O_PATH),
		     PLAN_FORMAT, CAISSON_FAULT_INDEX);
	}
	at.record = CAISSON_NO_RECORD;
	close_from(CAISSON_FD_SOURCES + (int)plan->head->fds);
}

/* The procfs of our own pid namespace, or nothing that is read there can be believed. */
int open_proc(void) {
	char self[24] = "";
	struct statfs fs;
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	errno = ESRCH;
	need(proc >= 0 && fstatfs(proc, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC &&
	             readlinkat(proc, "self", self, sizeof(self) - 1) > 0 &&
	             (int)strtol(self, NULL, 10) == getpid(),
	     PROC, 0);
	return proc;
}

/* The host application, to be watched; its pid is looked at again once the pidfd is had. */
int open_host(void) {
	pid_t ppid = getppid();
	int fd = (int)sys(NR_pidfd_open, ppid, 0);

	need(fd >= 0, HOST_GONE, 0);
	errno = ESRCH;
	need(getppid() == ppid, HOST_GONE, 0);
	return fd;
}
