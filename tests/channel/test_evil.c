/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host that keeps using its channel while the other side misbehaves. For each
 * behaviour: every call ends in time, with one of the results that it may have;
 * another channel, of an honest process, goes on; afterwards descriptors and
 * mappings are those of before. That the host lives shows in the next line.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "evil.h"
#include "tap.h"

#define SLAB (1u << 20)
#define ROUNDS 24
#define RECV_MS 10
/* More than a call was asked to take: the machine may be busy. */
#define GRACE_MS 3000

static caisson_channel *honest;
static volatile unsigned sum; /* so that the bytes are read */

void evil_send(struct raw_peer *peer, uint64_t count) {
	struct caisson_channel_slot slot = raw_good_slot();
	const uint64_t one = 1;

	slot.seq = count + 1;
	raw_write(peer, count, &slot);
	if (write(peer->fd[CAISSON_CHANNEL_FD_BELL], &one, sizeof(one)) < 0)
		return; /* a bell is pending */
}

uint32_t evil_receive(struct raw_peer *peer, uint64_t count) {
	const _Atomic uint64_t *seq =
		(void *)((char *)peer->host + CAISSON_CHANNEL_SLOTS_AT(peer->hello.slots) +
	                 count % peer->hello.slots * 256);

	while (*seq != count + 1)
		evil_sleep_ms(1);
	return raw_lease(peer, count);
}

/* -------------------------------------------------------------------- baseline */

static unsigned count_fds(void) {
	unsigned count = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (dir && readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static unsigned count_memfds(void) {
	char line[512];
	unsigned count = 0;
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps))
		count += strstr(line, "memfd:caisson") != NULL;
	if (maps)
		fclose(maps);
	return count;
}

/* -------------------------------------------------------------------- processes */

static int echo(caisson_channel *channel) {
	caisson_tensor in, out;
	int rc;

	alarm(0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while ((rc = caisson_recv(channel, &in, -1, NULL)) == 0) {
		if (caisson_loan(channel, in.dtype, in.ndim, in.shape, &out, NULL) < 0)
			return 1;
		memcpy(out.data, in.data, in.nbytes);
		out.tag = in.tag + 1;
		caisson_release(channel, &in);
		if (caisson_send(channel, &out, NULL) < 0)
			return 2;
	}
	return rc == -EPIPE ? 0 : 3;
}

static void keep_only(const struct raw_peer *peer) {
	for (int fd = 3; fd < 256; fd++) {
		bool keep = fd == peer->socket;

		for (int i = 0; i < CAISSON_CHANNEL_FDS; i++)
			keep |= fd == peer->fd[i];
		if (!keep)
			close(fd);
	}
}

static pid_t start(caisson_channel *channel, const struct evil *evil) {
	pid_t pid = fork();

	if (pid == 0) {
		const struct rlimit no_core = { 0, 0 };
		struct raw_peer peer;

		setpgid(0, 0); /* its heirs go with it */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setrlimit(RLIMIT_CORE, &no_core);
		alarm(60);
		if (raw_open(&peer, channel) < 0)
			_exit(101);
		keep_only(&peer);
		_exit(evil->run(&peer, evil->argument));
	}
	setpgid(pid, pid);
	channel_started(channel);
	return pid;
}

/* ------------------------------------------------------------------ the session */

struct session {
	const char *fault; /* why it failed, or NULL */
	int64_t worst_ms;
	bool poisoned, gone;
};

static int64_t now_ms(void) {
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void judge(struct session *session, int rc, int64_t start, const char *call) {
	int64_t took = now_ms() - start;

	session->worst_ms = took > session->worst_ms ? took : session->worst_ms;
	if (took > RECV_MS + GRACE_MS)
		session->fault = "a call took too long";
	session->poisoned |= rc == -EPROTO;
	session->gone |= rc == -EPIPE;
	if (rc != 0 && rc != -EPROTO && rc != -EPIPE && rc != -EAGAIN && rc != -ETIMEDOUT)
		session->fault = call;
}

static void use(struct session *session, caisson_channel *channel) {
	const int64_t shape = 64;
	int64_t start = now_ms();
	caisson_tensor tensor;
	int rc = caisson_loan(channel, CAISSON_U8, 1, &shape, &tensor, NULL);

	judge(session, rc, start, "loan");
	if (rc == 0) {
		memset(tensor.data, 7, tensor.nbytes);
		start = now_ms();
		judge(session, caisson_send(channel, &tensor, NULL), start, "send");
	}
	start = now_ms();
	rc = caisson_recv(channel, &tensor, RECV_MS, NULL);
	judge(session, rc, start, "recv");
	if (rc != 0)
		return;
	for (uint64_t i = 0; i < tensor.nbytes; i++)
		sum += ((const uint8_t *)tensor.data)[i];
	start = now_ms();
	if (tensor.tag % 2 == 0) /* the others are held, so that leases run out */
		caisson_release(channel, &tensor);
	judge(session, 0, start, "release");
}

static void use_honest(struct session *session, uint64_t tag) {
	const int64_t shape = 100;
	caisson_tensor tensor;

	if (caisson_loan(honest, CAISSON_U8, 1, &shape, &tensor, NULL) < 0) {
		session->fault = "the honest channel gives no room";
		return;
	}
	memset(tensor.data, (int)tag & 255, tensor.nbytes);
	tensor.tag = tag;
	if (caisson_send(honest, &tensor, NULL) < 0 ||
	    caisson_recv(honest, &tensor, 10000, NULL) < 0 || tensor.tag != tag + 1 ||
	    ((const uint8_t *)tensor.data)[99] != (tag & 255))
		session->fault = "the honest channel does not answer";
	else
		caisson_release(honest, &tensor);
}

/* Loans until it gives none: what was released is looked at, and what was not ends it. */
static void exhaust(struct session *session, caisson_channel *channel) {
	const int64_t shape = SLAB / 64;
	caisson_tensor tensor;
	int rc = 0;

	for (int i = 0; i < 300 && rc == 0; i++) {
		int64_t start = now_ms();

		rc = caisson_loan(channel, CAISSON_U8, 1, &shape, &tensor, NULL);
		judge(session, rc, start, "loan");
		if (rc == 0) {
			start = now_ms();
			judge(session, caisson_send(channel, &tensor, NULL), start, "send");
		}
	}
	if (rc == 0)
		session->fault = "loans without end";
}

static bool as_expected(const struct session *session, enum evil_end end) {
	switch (end) {
	case EVIL_POISONED:
		return session->poisoned;
	case EVIL_GONE:
		return session->gone && !session->poisoned;
	case EVIL_STAYS:
		return !session->gone && !session->poisoned;
	default:
		return true;
	}
}

static int end_of(pid_t pid) {
	int status = 0;

	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run(const struct evil *evil) {
	unsigned fds = count_fds(), memfds = count_memfds();
	struct session session = { 0 };
	caisson_channel *channel = NULL;
	int64_t begin = now_ms(), deadline = begin + 2000;
	int status;
	pid_t pid;

	if (channel_new("evil", CAISSON_BOTH, SLAB, &channel, NULL) < 0) {
		tap_ok(false, "%s: no channel", evil->name);
		return;
	}
	pid = start(channel, evil);
	/* Where an end is expected it may take its time to come; else for so many rounds. */
	for (uint64_t i = 0; !session.fault; i++) {
		bool awaits = evil->end == EVIL_POISONED || evil->end == EVIL_GONE;

		use(&session, channel);
		if (i % 8 == 0)
			use_honest(&session, i);
		if (session.poisoned || session.gone)
			break;
		if (i >= ROUNDS &&
		    (!awaits || as_expected(&session, evil->end) || now_ms() > deadline))
			break;
	}
	if (!session.fault)
		exhaust(&session, channel);
	use_honest(&session, 1000);
	status = end_of(pid);
	begin = now_ms();
	channel_free(channel);
	judge(&session, 0, begin, "free");
	if (status == EVIL_SKIP) {
		tap_skip(evil->name, "this kernel lacks what it needs");
		return;
	}
	if (status == EVIL_LET_THROUGH)
		session.fault = "the kernel let it through";
	if (!session.fault && !as_expected(&session, evil->end))
		session.fault = session.poisoned ? "poisoned" : session.gone ? "gone" : "it stays";
	if (count_fds() != fds)
		session.fault = "descriptors are left";
	if (count_memfds() != memfds)
		session.fault = "mappings are left";
	tap_ok(!session.fault, "%s (worst call %d ms)%s%s", evil->name, (int)session.worst_ms,
	       session.fault ? ": " : "", session.fault ? session.fault : "");
}

int main(void) {
	const struct evil *tables[] = { evil_objects, evil_slots, evil_times };
	pid_t pid;

	if (channel_new("honest", CAISSON_BOTH, SLAB, &honest, NULL) < 0)
		return 1;
	pid = peer_start(honest, echo);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct evil *evil = tables[i]; evil->name; evil++)
			run(evil);
	channel_free(honest);
	tap_ok(peer_end(pid, 10) == 0, "the honest side ended well");
	return tap_done();
}
