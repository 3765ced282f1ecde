/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classic BPF as seccomp(2) knows it: a checker and an interpreter, for tests. */
#ifndef CAISSON_TESTS_BPF_H
#define CAISSON_TESTS_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/* 0, or -1 - index of the first instruction that the kernel would refuse. */
int bpf_check(const struct sock_filter *code, size_t len);

/*
 * Run a checked program on data. The filter's verdict; *steps (may be NULL) is
 * the number of instructions executed. Running off the end is
 * SECCOMP_RET_KILL_THREAD; bpf_check() rules it out.
 */
uint32_t bpf_run(const struct sock_filter *code, size_t len, const struct seccomp_data *data,
                 unsigned *steps);

/*
 * 1 if the verdict for this number and architecture is ALLOW whatever the
 * arguments are, found as the kernel (5.11 and later) finds it when it caches
 * such calls: no load of anything but number and architecture on the way.
 */
int bpf_always_allows(const struct sock_filter *code, size_t len, int number, uint32_t arch);

#endif
