/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits of a sandbox as a whole, by a cgroup (version 2) of its own, of its time
 * and of its open files. Included by caisson.h. docs/limits.md says where such a
 * group can be had.
 */
#ifndef CAISSON_LIMITS_H
#define CAISSON_LIMITS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct caisson_spec;
struct caisson_sandbox;

enum caisson_limit {
	/* bytes, at least 1 MiB, rounded up to whole pages: programs, page cache, tmpfs */
	CAISSON_LIMIT_MEMORY = 0,
	/* bytes of swap; none, if memory is limited and this is not given */
	CAISSON_LIMIT_SWAP = 1,
	/* processes and threads at once, at least 4: the sandbox's pid 1 is one of them */
	CAISSON_LIMIT_PIDS = 2,
	/* percent of one processor: 150 is one and a half */
	CAISSON_LIMIT_CPU = 3,
	/* share of a busy disk, 1 to 10000, where every other group has 100 */
	CAISSON_LIMIT_IO_WEIGHT = 4,
	/*
	 * These two need no cgroup. Seconds, at least 1, from the start of the program: then
	 * the sandbox is killed.
	 */
	CAISSON_LIMIT_SECONDS = 5,
	/* descriptors that each process has open at once, 16 to 768, which is the default */
	CAISSON_LIMIT_FILES = 6,
	CAISSON_LIMIT_COUNT = 7
};

/*
 * Limit the sandbox, from its birth. caisson_spawn() fails, and says how to get
 * what is missing, if the limit cannot be set: there is never less than was
 * asked for. -ERANGE if value is out of range.
 */
int caisson_spec_limit(struct caisson_spec *spec, enum caisson_limit limit, uint64_t value);
/*
 * Make the sandbox's cgroup in this one, which is delegated to the caller, and
 * no other. Without limits too: for caisson_stat(). "/proc/self/fd/N" names a
 * descriptor.
 */
int caisson_spec_cgroup(struct caisson_spec *spec, const char *path);

/* A number that is not known: the kernel does not count it; a limit that there is not. */
#define CAISSON_UNKNOWN UINT64_MAX

/* What a sandbox uses. */
struct caisson_stat {
	uint64_t memory, memory_peak, memory_limit; /* bytes */
	uint64_t swap, swap_limit;                  /* bytes */
	uint64_t pids, pids_peak, pids_limit;       /* processes and threads */
	uint64_t cpu_usec, cpu_throttled_usec;      /* microseconds run, and held back */
	uint64_t cpu_limit;                         /* percent of one processor */
	uint64_t oom_kills;                         /* processes killed for want of memory */
	uint64_t reserved[4];                       /* CAISSON_UNKNOWN */
};

/* As it is, or once the sandbox has ended, was at the end. -ENOTSUP without a cgroup of its own. */
int caisson_stat(const struct caisson_sandbox *box, struct caisson_stat *stat);
/*
 * 1 if the sandbox was ended for want of memory, as far as is known by now; *why
 * (may be NULL) is then a sentence, "the sandbox used up its memory limit of 512
 * MiB", owned by box. To be asked after caisson_wait(), whose status is that of
 * SIGKILL then.
 */
int caisson_out_of_memory(const struct caisson_sandbox *box, const char **why);
/* 1 if the sandbox was ended since its seconds were up; to be asked after caisson_wait(). */
int caisson_timed_out(const struct caisson_sandbox *box);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
