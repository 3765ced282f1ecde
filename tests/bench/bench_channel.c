/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One round of the channel's benchmark: each thing that is measured beside the
 * floor that it is compared with, host pinned to one CPU and the other side to
 * another. Prints one line of JSON; docs/benchmarks.md says how channel.py takes
 * many rounds, in turns with other libraries, and what the ratios mean.
 *
 *   bench_channel latency|flat|rate|block|warm|alone [CPU CPU]
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel_impl.h"
#include "channel_peer.h"
#include "wake.h"

#define GIB (1ull << 30)
#define MAX_SAMPLES 200000u

static int cpus[2] = { 0, 1 };
static uint64_t sample[MAX_SAMPLES];

static _Noreturn void give_up(const char *what) {
	fprintf(stderr, "bench_channel: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pin(int side) {
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpus[side], &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		give_up("sched_setaffinity");
}

/* The other side of a floor; a channel's is started by peer_start(). */
static pid_t start_other(void (*body)(void *), void *argument) {
	pid_t pid = fork();

	if (pid < 0)
		give_up("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(120);
		pin(1);
		body(argument);
		_exit(0);
	}
	return pid;
}

static int by_value(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The samples are round trips: half of one is a hand-off. */
static void print_half(const char *name, unsigned n, const char *end) {
	qsort(sample, n, sizeof(sample[0]), by_value);
	printf("\"%s\": {\"p50\": %.1f, \"p99\": %.1f, \"p99.9\": %.1f}%s", name,
	       (double)sample[n / 2] / 2, (double)sample[n / 100 * 99] / 2,
	       (double)sample[n / 1000 * 999] / 2, end);
}

static void *shared(size_t bytes) {
	void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		give_up("mmap");
	memset(page, 0, bytes);
	return page;
}

/* ---------------------------------------------- floor: one dirty cache line each way */

struct lines {
	_Alignas(256) _Atomic uint64_t there;
	_Alignas(256) _Atomic uint64_t back;
	_Alignas(256) unsigned rounds;
};

static void lines_other(void *argument) {
	struct lines *lines = argument;

	for (uint64_t i = 1; i <= lines->rounds; i++) {
		while (atomic_load_explicit(&lines->there, memory_order_acquire) != i)
			cpu_relax();
		atomic_store_explicit(&lines->back, i, memory_order_release);
	}
}

static void lines_run(unsigned n) {
	struct lines *lines = shared(sizeof(*lines));
	uint64_t last, now;
	pid_t pid;

	lines->rounds = n;
	pid = start_other(lines_other, lines);
	last = now_ns();
	for (uint64_t i = 1; i <= n; i++) {
		atomic_store_explicit(&lines->there, i, memory_order_release);
		while (atomic_load_explicit(&lines->back, memory_order_acquire) != i)
			cpu_relax();
		now = now_ns();
		sample[i - 1] = now - last;
		last = now;
	}
	waitpid(pid, NULL, 0);
	munmap(lines, sizeof(*lines));
}

/* ------------------------------------------------------ floor: a futex ping-pong */

static void futex_hand(_Atomic uint32_t *word, uint32_t value) {
	atomic_store(word, value);
	(void)futex_wake_one((uint32_t *)(uintptr_t)word);
}

static void futex_await(_Atomic uint32_t *word, uint32_t value) {
	uint32_t now;

	while ((now = atomic_load(word)) != value)
		(void)futex_sleep((uint32_t *)(uintptr_t)word, now, 1000000000u);
}

struct futexes {
	_Alignas(256) _Atomic uint32_t there;
	_Alignas(256) _Atomic uint32_t back;
	unsigned rounds;
};

static void futexes_other(void *argument) {
	struct futexes *words = argument;

	for (uint32_t i = 1; i <= words->rounds; i++) {
		futex_await(&words->there, i);
		futex_hand(&words->back, i);
	}
}

static void futexes_run(unsigned n) {
	struct futexes *words = shared(sizeof(*words));
	uint64_t last;
	pid_t pid;

	words->rounds = n;
	pid = start_other(futexes_other, words);
	for (uint32_t i = 1; i <= n; i++) {
		last = now_ns();
		futex_hand(&words->there, i);
		futex_await(&words->back, i);
		sample[i - 1] = now_ns() - last;
	}
	waitpid(pid, NULL, 0);
	munmap(words, sizeof(*words));
}

/* ------------------------------------------------------------------- a channel */

static bool spin = true;

static void tune(caisson_channel *channel) {
	channel->spins = spin;
	if (spin) /* from the first tensor on */
		channel->rx.spin_ns = 50000;
}

/* Answers each tensor with a small one, then gives it back. */
static int answer(caisson_channel *channel) {
	caisson_tensor in, out;
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(120);
	pin(1);
	tune(channel);
	while ((rc = caisson_recv(channel, &in, -1, NULL)) == 0) {
		if (caisson_loan(channel, CAISSON_U8, 1, (const int64_t[]){ 64 }, &out, NULL) < 0 ||
		    caisson_send(channel, &out, NULL) < 0)
			return 1;
		caisson_release(channel, &in);
	}
	return rc == -EPIPE ? 0 : 2;
}

static int drain(caisson_channel *channel) {
	caisson_tensor in;
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(120);
	pin(1);
	tune(channel);
	while ((rc = caisson_recv(channel, &in, -1, NULL)) == 0)
		caisson_release(channel, &in);
	return rc == -EPIPE ? 0 : 2;
}

static caisson_channel *start_channel(uint64_t bytes, enum caisson_direction direction,
                                      int (*body)(caisson_channel *), pid_t *pid) {
	caisson_channel *channel;

	if (channel_new("bench", direction, bytes, &channel, NULL) < 0)
		give_up("channel_new");
	*pid = peer_start(channel, body);
	tune(channel);
	return channel;
}

static void end_channel(caisson_channel *channel, pid_t pid) {
	channel_free(channel);
	if (peer_end(pid, 10) != 0)
		give_up("the other side");
}

/* The same: what came before is given back once the next is on its way. */
static void hand(caisson_channel *channel, int64_t bytes, caisson_tensor *in) {
	caisson_tensor out;

	if (caisson_loan(channel, CAISSON_U8, 1, &bytes, &out, NULL) < 0 ||
	    caisson_send(channel, &out, NULL) < 0)
		give_up("a tensor");
	caisson_release(channel, in);
	if (caisson_recv(channel, in, -1, NULL) < 0)
		give_up("an answer");
}

static void channel_run(unsigned n, int64_t bytes) {
	pid_t pid;
	caisson_channel *channel = start_channel(bytes > 1 << 18 ? (uint64_t)bytes * 2 : 1 << 20,
	                                         CAISSON_BOTH, answer, &pid);
	caisson_tensor in = { .lease = 0 };
	uint64_t last, now;

	for (unsigned i = 0; i < 1000; i++)
		hand(channel, bytes, &in);
	last = now_ns();
	for (unsigned i = 0; i < n; i++) {
		hand(channel, bytes, &in);
		now = now_ns();
		sample[i] = now - last;
		last = now;
	}
	end_channel(channel, pid);
}

/* ------------------------------------------------------------------ what to do */

static void latency(void) {
	printf("{\"what\": \"latency\", ");
	lines_run(100000);
	print_half("floor", 100000, ", ");
	channel_run(100000, 64);
	print_half("caisson", 100000, "}\n");
}

static void flat(void) {
	static const int64_t sizes[] = { 64, 4096, 1 << 20, 64 << 20, 1 << 30 };

	printf("{\"what\": \"flat\", ");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char name[24];

		snprintf(name, sizeof(name), "%lld", (long long)sizes[i]);
		channel_run(20000, sizes[i]);
		print_half(name, 20000, i + 1 < sizeof(sizes) / sizeof(sizes[0]) ? ", " : "}\n");
	}
}

/* In batches: on a busy machine most of them are disturbed, and the median says so. */
static void rate(void) {
	const unsigned batch = 20000, batches = 200;
	pid_t pid;
	caisson_channel *channel = start_channel(1 << 20, CAISSON_TO_SANDBOX, drain, &pid);
	const int64_t bytes = 64;
	caisson_tensor out;
	uint64_t last = now_ns(), now;

	for (unsigned k = 0; k < batches; k++) {
		for (unsigned i = 0; i < batch; i++)
			if (caisson_loan_strided(channel, CAISSON_U8, 1, &bytes, NULL, -1, &out,
			                         NULL) < 0 ||
			    caisson_send(channel, &out, NULL) < 0)
				give_up("a tensor");
		now = now_ns();
		sample[k] = now - last;
		last = now;
	}
	qsort(sample, batches, sizeof(sample[0]), by_value);
	printf("{\"what\": \"rate\", \"p50\": %.0f, \"p90\": %.0f, \"best\": %.0f}\n",
	       (double)batch * 1e9 / (double)sample[batches / 2],
	       (double)batch * 1e9 / (double)sample[batches / 10],
	       (double)batch * 1e9 / (double)sample[0]);
	end_channel(channel, pid);
}

/* What the calls cost where nothing has to cross: both ends in one thread. */
static void alone(void) {
	const unsigned n = 1000000;
	const int64_t bytes = 64;
	caisson_channel *channel, *other;
	caisson_tensor out, in;
	uint64_t start;

	if (channel_new("bench", CAISSON_TO_SANDBOX, 1 << 20, &channel, NULL) < 0)
		give_up("channel_new");
	other = peer_open_here(channel);
	start = now_ns();
	for (unsigned i = 0; i < n; i++) {
		if (caisson_loan(channel, CAISSON_U8, 1, &bytes, &out, NULL) < 0 ||
		    caisson_send(channel, &out, NULL) < 0 || caisson_recv(other, &in, -1, NULL) < 0)
			give_up("a tensor");
		caisson_release(other, &in);
	}
	printf("{\"what\": \"alone\", \"ns\": %.1f}\n", (double)(now_ns() - start) / n);
	caisson_channel_close(other);
	channel_free(channel);
}

static void block(void) {
	spin = false;
	printf("{\"what\": \"block\", ");
	futexes_run(5000);
	print_half("futex", 5000, ", ");
	channel_run(5000, 64);
	print_half("caisson", 5000, "}\n");
}

/* A fresh tensor of 1 GiB in pages that are there, against writing those pages. */
static void warm(void) {
	pid_t pid;
	caisson_channel *channel = start_channel(GIB, CAISSON_TO_SANDBOX, drain, &pid);
	const int64_t bytes = (int64_t)GIB;
	uint64_t fresh[3], bare[3], start;
	caisson_tensor out;
	void *data = NULL;

	for (int i = -1; i < 3; i++) { /* once to make it warm */
		start = now_ns();
		if (caisson_loan_strided(channel, CAISSON_U8, 1, &bytes, NULL, -1, &out, NULL) < 0)
			give_up("1 GiB");
		data = out.data;
		memset(data, i, GIB);
		if (caisson_send(channel, &out, NULL) < 0)
			give_up("1 GiB");
		if (i >= 0)
			fresh[i] = now_ns() - start;
		start = now_ns();
		memset(data, i + 100, GIB); /* the same pages */
		if (i >= 0)
			bare[i] = now_ns() - start;
	}
	qsort(fresh, 3, sizeof(fresh[0]), by_value);
	qsort(bare, 3, sizeof(bare[0]), by_value);
	printf("{\"what\": \"warm\", \"tensor\": %.0f, \"memset\": %.0f}\n", (double)fresh[1],
	       (double)bare[1]);
	end_channel(channel, pid);
}

int main(int argc, char **argv) {
	static const struct {
		const char *name;
		void (*run)(void);
	} runs[] = {
		{ "latency", latency }, { "flat", flat }, { "rate", rate },
		{ "block", block },     { "warm", warm }, { "alone", alone },
	};

	if (argc == 4)
		for (int i = 0; i < 2; i++)
			cpus[i] = atoi(argv[i + 2]);
	pin(0);
	for (size_t i = 0; argc > 1 && i < sizeof(runs) / sizeof(runs[0]); i++)
		if (strcmp(argv[1], runs[i].name) == 0) {
			runs[i].run();
			return 0;
		}
	fprintf(stderr, "usage: bench_channel latency|flat|rate|block|warm|alone [CPU CPU]\n");
	return 2;
}
