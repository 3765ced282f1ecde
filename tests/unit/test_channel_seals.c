/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel enforces on a channel's descriptors, and bells that ring for nothing. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "channel_ends.h"
#include "memory.h"

/* --------------------------------------------------------------------- seals */

static int reopen(int fd, int flags) {
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

static void assert_no_write(int fd, const char *how) {
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	cr_assert_eq(map, MAP_FAILED, "%s", how);
	cr_assert_eq(errno, EPERM, "%s", how);
	cr_assert_eq(pwrite(fd, "x", 1, 0), -1, "%s", how);
	cr_assert_eq(errno, EPERM, "%s", how);
	cr_assert_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1, "%s",
	             how);
	cr_assert_eq(errno, EPERM, "%s", how);
}

Test(channel_seals, memory_of_the_host_is_read_only) {
	static const int of_host[] = { CAISSON_CHANNEL_FD_HOST_PAGE,
		                       CAISSON_CHANNEL_FD_TO_SANDBOX };
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);

	for (size_t i = 0; i < COUNT(of_host); i++) {
		int fd = peer.fd[of_host[i]], again = reopen(fd, O_RDWR);
		void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

		cr_assert_neq(again, -1);
		assert_no_write(fd, "as received");
		assert_no_write(again, "reopened for writing");
		cr_assert_neq(map, MAP_FAILED);
		cr_assert_eq(mprotect(map, 4096, PROT_READ | PROT_WRITE), -1);
		cr_assert_eq(errno, EACCES);
		munmap(map, 4096);
		close(again);
	}
	channel_free(host);
	raw_close(&peer);
}

Test(channel_seals, no_size_changes_and_no_seal_is_added) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);

	for (int i = 0; i < CAISSON_CHANNEL_FDS; i++) {
		if (i == CAISSON_CHANNEL_FD_BELL)
			continue;
		cr_assert_eq(ftruncate(peer.fd[i], 0), -1);
		cr_assert_eq(errno, EPERM);
		cr_assert_eq(ftruncate(peer.fd[i], 1 << 20), -1);
		cr_assert_eq(errno, EPERM);
		cr_assert_eq(fcntl(peer.fd[i], F_ADD_SEALS, F_SEAL_WRITE), -1);
		cr_assert_eq(errno, EPERM);
	}
	channel_free(host);
	raw_close(&peer);
}

Test(channel_seals, memory_from_elsewhere_is_checked) {
	int plain = memfd_create("plain", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int sealed = memory_new("sealed", 4096);

	cr_assert_eq(ftruncate(plain, 4096), 0);
	cr_assert_eq(memory_check(plain, 4096), -EPROTO);
	cr_assert_eq(memory_check(STDIN_FILENO, 4096), -EPROTO);
	cr_assert_eq(memory_check(sealed, 8192), -EPROTO);
	cr_assert_eq(memory_check(sealed, 4096), 0);
	close(plain);
	close(sealed);
}

/* --------------------------------------------------------------------- bells */

/* Descriptors whose close blocks cannot be left in the host's socket: nothing can. */
Test(channel_seals, nothing_can_be_sent_to_the_host) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);

	cr_assert_eq(send(peer.socket, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT), -1);
	cr_assert_eq(errno, EPIPE);
	channel_free(host);
	raw_close(&peer);
}

struct flood {
	int fd;
	atomic_bool stop;
};

static void *ring(void *argument) {
	struct flood *flood = argument;
	const uint64_t one = 1;

	while (!atomic_load(&flood->stop))
		if (write(flood->fd, &one, sizeof(one)) < 0)
			break;
	return NULL;
}

/* As long as it was asked to wait, no longer, and mostly asleep. */
Test(channel_seals, bell_that_never_stops) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
	struct flood flood = { .fd = peer.fd[CAISSON_CHANNEL_FD_BELL] };
	int64_t start, cpu;
	caisson_tensor tensor;
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, ring, &flood), 0);
	start = clock_ms(CLOCK_MONOTONIC);
	cpu = clock_ms(CLOCK_THREAD_CPUTIME_ID);
	cr_assert_eq(caisson_recv(host, &tensor, 1000, NULL), -ETIMEDOUT);
	cpu = clock_ms(CLOCK_THREAD_CPUTIME_ID) - cpu;
	start = clock_ms(CLOCK_MONOTONIC) - start;
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), -EAGAIN);
	atomic_store(&flood.stop, true);
	pthread_join(thread, NULL);
	cr_assert_geq(start, 1000);
	cr_assert_lt(start, 5000);
	cr_assert_lt(cpu, 100, "%d ms of processor time in a wait of 1 s", (int)cpu);
	channel_free(host);
	raw_close(&peer);
}

/* The description is shared: its flags and its count are the sandbox's to spoil. */
Test(channel_seals, bell_full_or_empty_and_set_to_block, .timeout = 20) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
	int bell = peer.fd[CAISSON_CHANNEL_FD_BELL];
	const uint64_t full = UINT64_MAX - 1;
	int64_t start = clock_ms(CLOCK_MONOTONIC);
	struct pollfd fd = { .fd = caisson_channel_fd(host), .events = POLLIN };
	caisson_tensor tensor;
	uint64_t count;

	cr_assert_eq(write(bell, &full, sizeof(full)), sizeof(full));
	cr_assert_eq(fcntl(bell, F_SETFL, 0), 0); /* from here on it blocks whoever uses it */
	cr_assert_eq(poll(&fd, 1, 0), 1);
	cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), -EAGAIN);
	cr_assert_eq(poll(&fd, 1, 0), 0); /* taken, though nobody could read it */
	cr_assert_eq(caisson_recv(host, &tensor, 50, NULL), -ETIMEDOUT);
	cr_assert_eq(read(bell, &count, sizeof(count)), sizeof(count)); /* empty */
	cr_assert_eq(caisson_recv(host, &tensor, 0, NULL), -EAGAIN);
	cr_assert_eq(caisson_recv(host, &tensor, 50, NULL), -ETIMEDOUT);
	cr_assert_eq(caisson_loan(host, CAISSON_U8, 0, NULL, &tensor, NULL), 0);
	cr_assert_eq(caisson_send(host, &tensor, NULL), 0);
	channel_free(host);
	cr_assert_lt(clock_ms(CLOCK_MONOTONIC) - start, 5000);
	raw_close(&peer);
}

/* A sandbox that always says it waits, and never takes a bell. */
Test(channel_seals, socket_full_of_bells, .timeout = 20) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
	int64_t start = clock_ms(CLOCK_MONOTONIC);
	unsigned bells = 0;
	caisson_tensor tensor;
	char byte;

	for (uint64_t i = 0; i < 20000; i++) {
		peer.page->data_wait = (uint32_t)(4 * i + 1);
		cr_assert_eq(caisson_loan(host, CAISSON_U8, 0, NULL, &tensor, NULL), 0);
		cr_assert_eq(caisson_send(host, &tensor, NULL), 0);
		*raw_release(peer.page, i % peer.hello.slots) = (i + 1) << 32 | raw_lease(&peer, i);
	}
	cr_assert_lt(clock_ms(CLOCK_MONOTONIC) - start, 10000);
	while (recv(peer.socket, &byte, 1, MSG_DONTWAIT) == 1)
		bells++;
	cr_assert(bells > 0 && bells < 20000, "%u", bells);
	channel_free(host);
	raw_close(&peer);
}

/* One bell for one wait: a side that does not wait is never rung. */
Test(channel_seals, bells_only_for_who_waits) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
	static const struct {
		uint32_t word;
		int bells;
	} steps[] = { { 0, 0 },          { 5, 1 },
		      { 5, 0 },          { 4, 0 },
		      { 9, 1 },          { UINT32_MAX - 2, 1 },
		      { UINT32_MAX, 0 }, /* on the futex */ { 8, 0 } };
	caisson_tensor tensor;
	char byte;

	for (size_t i = 0; i < COUNT(steps); i++) {
		peer.page->data_wait = steps[i].word;
		cr_assert_eq(caisson_loan(host, CAISSON_U8, 0, NULL, &tensor, NULL), 0);
		cr_assert_eq(caisson_send(host, &tensor, NULL), 0);
		cr_assert_eq(recv(peer.socket, &byte, 1, MSG_DONTWAIT), steps[i].bells ? 1 : -1,
		             "step %zu", i);
	}
	channel_free(host);
	raw_close(&peer);
}

/* The sandbox keeps its processes but shuts its end: that is the end, at once. */
Test(channel_seals, socket_shut_by_the_sandbox) {
	struct raw_peer peer;
	caisson_channel *host = raw_host_end(&peer, CAISSON_BOTH);
	struct caisson_channel_slot slot = raw_good_slot();
	caisson_tensor tensor;

	raw_write(&peer, 0, &slot);
	cr_assert_eq(shutdown(peer.socket, SHUT_RDWR), 0);
	cr_assert_eq(caisson_recv(host, &tensor, -1, NULL), 0);
	cr_assert_eq(caisson_recv(host, &tensor, -1, NULL), -EPIPE);
	cr_assert_eq(caisson_loan(host, CAISSON_U8, 0, NULL, &tensor, NULL), -EPIPE);
	channel_free(host);
	raw_close(&peer);
}
