/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iceoryx beside bench_channel: a ping-pong of one chunk, both sides asking all
 * the time, pinned. Needs iox-roudi. Prints the same JSON.
 *   peer_iceoryx CPU CPU
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/subscriber.h>

#define WARM_UP 1000
#define ROUNDS 50000

static uint64_t sample[ROUNDS];

static uint64_t now_ns(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pin(int cpu) {
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static iox_pub_t publisher(const char *topic) {
	static iox_pub_storage_t storage;
	iox_pub_options_t options;

	iox_pub_options_init(&options);
	return iox_pub_init(&storage, "caisson", "bench", topic, &options);
}

static iox_sub_t subscriber(const char *topic) {
	static iox_sub_storage_t storage;
	iox_sub_options_t options;

	iox_sub_options_init(&options);
	options.queueCapacity = 4;
	return iox_sub_init(&storage, "caisson", "bench", topic, &options);
}

static void put(iox_pub_t pub) {
	void *chunk;

	while (iox_pub_loan_chunk(pub, &chunk, 64) != AllocationResult_SUCCESS)
		;
	iox_pub_publish_chunk(pub, chunk);
}

static void get(iox_sub_t sub) {
	const void *chunk;

	while (iox_sub_take_chunk(sub, &chunk) != ChunkReceiveResult_SUCCESS)
		;
	iox_sub_release_chunk(sub, chunk);
}

static void other(int cpu) {
	iox_pub_t pub;
	iox_sub_t sub;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(60);
	pin(cpu);
	iox_runtime_init("caisson-bench-other");
	pub = publisher("back");
	sub = subscriber("there");
	while (!iox_pub_has_subscribers(pub))
		usleep(1000);
	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		get(sub);
		put(pub);
	}
	sleep(1);
	_exit(0);
}

static int by_value(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv) {
	iox_pub_t pub;
	iox_sub_t sub;
	uint64_t last;
	pid_t pid;

	if (argc != 3)
		return 2;
	pid = fork();
	if (pid == 0)
		other(atoi(argv[2]));
	alarm(60);
	pin(atoi(argv[1]));
	iox_runtime_init("caisson-bench-host");
	pub = publisher("there");
	sub = subscriber("back");
	while (!iox_pub_has_subscribers(pub) ||
	       iox_sub_get_subscription_state(sub) != SubscribeState_SUBSCRIBED)
		usleep(1000);
	last = now_ns();
	for (int i = -WARM_UP; i < ROUNDS; i++) {
		uint64_t now;

		put(pub);
		get(sub);
		now = now_ns();
		if (i >= 0)
			sample[i] = now - last;
		last = now;
	}
	qsort(sample, ROUNDS, sizeof(sample[0]), by_value);
	printf("{\"what\": \"iceoryx\", \"p50\": %.1f, \"p99\": %.1f, \"p99.9\": %.1f}\n",
	       (double)sample[ROUNDS / 2] / 2, (double)sample[ROUNDS / 100 * 99] / 2,
	       (double)sample[ROUNDS / 1000 * 999] / 2);
	fflush(stdout);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	_exit(0);
}
