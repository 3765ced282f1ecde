/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processor's and the kernel's part in waiting. */
#ifndef CAISSON_LIBCLIENT_WAKE_H
#define CAISSON_LIBCLIENT_WAKE_H

#include <errno.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

static inline void cpu_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

/* This line will be written soon: fetch it for that. A hint; the builtin is none on x86. */
static inline void cpu_own_soon(const void *line) {
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" ::"m"(*(const char *)line));
#else
	__builtin_prefetch(line, 1);
#endif
}

/*
 * In memory that two processes share, so never the private kind. The words are
 * the peer's, mapped read-only, or the caller's own; the kernel needs no more
 * than to read them. 0 also after a time-out, a signal, or if it changed before.
 */
static inline int futex_sleep(const uint32_t *word, uint32_t expected, uint64_t ns) {
#ifdef SYS_futex
	const struct timespec timeout = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
	int saved = errno, rc = 0;

	if (syscall(SYS_futex, word, FUTEX_WAIT, expected, &timeout, NULL, 0) < 0 &&
	    errno != ETIMEDOUT && errno != EINTR && errno != EAGAIN)
		rc = -errno;
	errno = saved;
	return rc;
#else
	(void)word, (void)expected, (void)ns;
	return -ENOSYS;
#endif
}

static inline int futex_wake_one(const uint32_t *word) {
#ifdef SYS_futex
	int saved = errno;
	long rc = syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);

	if (rc < 0)
		rc = -errno;
	errno = saved;
	return (int)rc;
#else
	(void)word;
	return -ENOSYS;
#endif
}

#endif
