/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A channel in (fake) device memory whose other side keeps no rule: nobody hangs
 * or crashes, every error says what was wrong, and nothing is left on the device
 * or among the descriptors.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "cuda_channel.h"
#include "cuda_two.h"

/* ------------------------------------------------------- a host that keeps no rule */

/* What a broken host could send where an offer is awaited. */
static const char *const kinds[] = {
	"a pipe",      "a socket",           "a TCP socket",
	"a directory", "a character device", "an empty memfd",
	"a file",      "an epoll",           "less memory than it claims"
};

static int of_kind(int kind) {
	int pair[2] = { -1, -1 };

	switch (kind) {
	case 0:
		if (pipe2(pair, O_CLOEXEC) < 0)
			return -1;
		close(pair[1]);
		return pair[0];
	case 1:
		return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	case 2:
		return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	case 3:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 4:
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	case 5:
		return memory_new("none", 4096);
	case 6:
		return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	case 7:
		return epoll_create1(EPOLL_CLOEXEC);
	default:
		return -1;
	}
}

struct false_host {
	caisson_channel *host;
	int kind;
};

/* An export as it should be; what is said of it is not. */
static void make_real(struct cuda_device *device, struct cuda_slab *slab,
                      struct cuda_export *export) {
	struct cuda_fault fault;

	if (cuda_look(device, 0, NULL) < 0 || cuda_open(device, NULL) < 0 ||
	    !cuda_enter(device, &fault) ||
	    !cuda_slab_new(device, slab, CAISSON_LANE_CUDA_VMM, SLAB, true, &fault) ||
	    !cuda_slab_export(slab, CAISSON_LANE_CUDA_VMM, export, &fault))
		abort();
	cuda_exit();
}

/* Announce, hear the request, and answer it with such a descriptor. */
static void *be_false_host(void *pointer) {
	struct false_host *f = pointer;
	caisson_cuda_info info = { .size = sizeof(info) };
	struct cuda_talk talk = { .channel = f->host,
		                  .deadline = channel_now_ns() + 20000000000ull,
		                  .lanes = CAISSON_LANE_CUDA_VMM,
		                  .info = &info };
	struct cuda_export export[2] = { { .fd = of_kind(f->kind) }, { .fd = -1 } };
	struct cuda_slab to_host = { .size = 2u << 20 }, none = { 0 };
	struct cuda_device device;
	struct cuda_slab own;
	struct cuda_said said;

	if (caisson_cuda_check(0, &info, NULL) < 0)
		return NULL;
	if (f->kind == 8) {
		make_real(&device, &own, &export[0]);
		to_host.size = own.size * 2;
	}
	cuda_say(&talk, CAISSON_CUDA_ANNOUNCE, 0, NULL);
	if (cuda_hear(&talk, &said) == 0 && said.say == CAISSON_CUDA_REQUEST) {
		(void)cuda_offer(&talk, said.seq, CAISSON_LANE_CUDA_VMM, &to_host, &none, export);
		if (cuda_hear(&talk, &said) == 0 && said.say == CAISSON_CUDA_FAILED) {
			talk.lanes = 0;
			cuda_say(&talk, CAISSON_CUDA_ANNOUNCE, 0, NULL);
		}
	}
	close(export[0].fd);
	if (f->kind == 8 && cuda_enter_to_free(&device)) {
		cuda_slab_free(&device, &own);
		cuda_exit();
		cuda_close(&device);
	}
	return NULL;
}

static void false_offers(void) {
	for (int kind = 0; kind < 9; kind++) {
		struct false_host f = { new_host(CAISSON_TO_HOST), kind };
		caisson_channel *peer = peer_open_here(f.host);
		caisson_error *err = NULL;
		pthread_t thread;
		/* A descriptor of the right kind is for the driver to judge; others never get there. */
		bool judged = kind == 5 || kind == 8;
		unsigned long tries = fake_tries("cuMemImportFromShareableHandle");
		int rc;

		lanes = CAISSON_LANE_CUDA_VMM;
		pthread_create(&thread, NULL, be_false_host, &f);
		rc = attach_lanes(peer, &err);
		pthread_join(thread, NULL);
		caisson_channel_close(peer);
		channel_free(f.host);
		tries = fake_tries("cuMemImportFromShareableHandle") - tries;
		tap_ok(rc < 0 && rc != -ETIMEDOUT && tries == judged && clean(),
		       "an offer of %s is refused: %s", kinds[kind], caisson_error_message(err));
		caisson_error_free(err);
	}
}

/* Descriptors that nobody asked for: closed by the kernel, never by the program. */
static void unasked(void) {
	caisson_channel *host = new_host(CAISSON_BOTH), *peer = peer_open_here(host);
	struct cuda_talk talk = { .channel = host };
	struct cuda_export export[2] = { { .fd = of_kind(2) }, { .fd = of_kind(0) } };
	struct cuda_slab slab = { .size = 2u << 20 };
	caisson_tensor t;
	int before = count_fds(), rc, sent;

	sent = cuda_offer(&talk, 1, CAISSON_LANE_CUDA_VMM, &slab, &slab, export);
	rc = caisson_recv(peer, &t, 50, NULL);
	tap_ok(sent == 0 && rc == -ETIMEDOUT && count_fds() == before,
	       "unasked descriptors are dropped with their message (%d)", rc);
	close(export[0].fd);
	close(export[1].fd);
	ends_close(&(struct ends){ .host = host, .peer = peer });
}

/* --------------------------------------------------- a sandbox that keeps no rule */

struct lie {
	const char *what;
	uint32_t say, lane, lanes, cuda;
	bool other_device;
	int want;
};

static const struct lie *lie;

/* Answers the announcement with a lie. */
static int liar(caisson_channel *channel) {
	caisson_cuda_info info = { .size = sizeof(info) };
	struct cuda_talk talk = { .channel = channel,
		                  .deadline = channel_now_ns() + 20000000000ull,
		                  .lanes = lie->lanes,
		                  .info = &info };
	struct cuda_fault fault = { (enum cuda_call)0xffffffff, -1 };
	struct cuda_said said;

	if (cuda_hear(&talk, &said) < 0)
		return 1;
	memcpy(info.uuid, said.uuid, sizeof(info.uuid));
	info.uuid[3] = (uint8_t)(info.uuid[3] + lie->other_device);
	info.cuda = (int32_t)lie->cuda;
	memset(info.driver, '%', sizeof(info.driver));
	cuda_say(&talk, lie->say, lie->lane, &fault);
	return 0;
}

static const struct lie lies[] = {
	{ "a lane that there is not", CAISSON_CUDA_REQUEST, 1u << 30, ~0u, 13000, false, -EPROTO },
	{ "two lanes at once", CAISSON_CUDA_REQUEST, 3u << 16, ~0u, 13000, false, -EPROTO },
	{ "legacy IPC, which was not offered", CAISSON_CUDA_REQUEST, CAISSON_LANE_CUDA_IPC, ~0u,
	  13000, false, -EPROTO },
	{ "a lane that it cannot do itself", CAISSON_CUDA_REQUEST, CAISSON_LANE_CUDA_VMM, 0, 13000,
	  false, -EPROTO },
	{ "another device", CAISSON_CUDA_REQUEST, CAISSON_LANE_CUDA_VMM, ~0u, 13000, true,
	  -EPROTO },
	{ "a driver of no version", CAISSON_CUDA_REQUEST, CAISSON_LANE_CUDA_VMM, ~0u, 0, false,
	  -EPROTO },
	{ "attached before anything was offered", CAISSON_CUDA_ATTACHED, CAISSON_LANE_CUDA_VMM, ~0u,
	  13000, false, -EPROTO },
	{ "a statement that means nothing", 77, 0, 0, 0, false, -EPROTO },
	{ "the host's own words", CAISSON_CUDA_OFFER, CAISSON_LANE_CUDA_VMM, ~0u, 13000, false,
	  -EPROTO },
	{ "a refusal for no reason", CAISSON_CUDA_REFUSED, 0, 0, 0, false, -EREMOTE },
};

static void liars(void) {
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		caisson_channel *host = new_host(CAISSON_BOTH);
		int64_t start = clock_ms();
		caisson_error *err = NULL;
		pid_t pid;
		int rc;

		lie = &lies[i];
		lanes = 0;
		pid = peer_start(host, liar);
		rc = attach_lanes(host, &err);
		channel_free(host);
		peer_end(pid, 20);
		tap_ok(rc == lie->want && clock_ms() - start < ATTACH_MS && clean(),
		       "the sandbox claims %s: %s", lie->what, caisson_error_message(err));
		caisson_error_free(err);
	}
}

/* It fails every lane that it is offered, for ever: there are only so many. */
static int fails_all(caisson_channel *channel) {
	caisson_cuda_info info = { .size = sizeof(info), .cuda = 13000 };
	struct cuda_talk talk = { .channel = channel,
		                  .deadline = channel_now_ns() + 20000000000ull,
		                  .lanes = ~0u,
		                  .info = &info };
	const struct cuda_fault fault = { CALL_cuMemMap, CU_MAP_FAILED };
	struct cuda_said said;

	while (cuda_hear(&talk, &said) == 0 && said.say == CAISSON_CUDA_ANNOUNCE) {
		uint32_t left = said.lanes & CUDA_LANES;
		struct caisson_cuda_offer offer;
		struct cuda_said instead;
		int fd[2];

		memcpy(info.uuid, said.uuid, sizeof(info.uuid));
		if (!left)
			break;
		cuda_say(&talk, CAISSON_CUDA_REQUEST, left & -left, NULL);
		if (cuda_take_offer(&talk, &offer, fd, &instead) < 0)
			break;
		cuda_say(&talk, CAISSON_CUDA_FAILED, left & -left, &fault);
	}
	return 0;
}

/* It never answers, or ends in the middle. */
static int says_nothing(caisson_channel *channel) {
	(void)channel;
	pause();
	return 0;
}

static int ends_in_the_middle(caisson_channel *channel) {
	struct cuda_talk talk = { .channel = channel,
		                  .deadline = channel_now_ns() + 20000000000ull };
	struct cuda_said said;

	return cuda_hear(&talk, &said) < 0;
}

static void stubborn(void) {
	static const struct {
		const char *what;
		int (*body)(caisson_channel *);
		int timeout_ms, want;
	} cases[] = {
		{ "fails every lane", fails_all, 20000, -EIO },
		{ "never answers", says_nothing, 300, -ETIMEDOUT },
		{ "ends when it is spoken to", ends_in_the_middle, 20000, -EPIPE },
	};

	for (size_t i = 0; i < 3; i++) {
		caisson_channel *host = new_host(CAISSON_BOTH);
		int64_t start = clock_ms();
		caisson_error *err = NULL;
		pid_t pid = peer_start(host, cases[i].body);
		int rc = caisson_cuda_attach(host, NULL, cases[i].timeout_ms, NULL, &err);
		int64_t took = clock_ms() - start;

		kill(pid, SIGKILL);
		peer_end(pid, 20);
		channel_free(host);
		tap_ok(rc == cases[i].want && took < cases[i].timeout_ms + 15000 && clean(),
		       "a sandbox that %s: %s", cases[i].what, caisson_error_message(err));
		caisson_error_free(err);
	}
}

/* The host cannot be handed a descriptor at all. */
static void host_takes_none(void) {
	caisson_channel *host = new_host(CAISSON_BOTH), *peer = peer_open_here(host);
	struct cuda_talk talk = { .channel = peer };
	struct cuda_export export[2] = { { .fd = of_kind(2) }, { .fd = -1 } };
	struct cuda_slab slab = { .size = 2u << 20 }, none = { 0 };
	int rc = cuda_offer(&talk, 1, CAISSON_LANE_CUDA_VMM, &slab, &none, export);

	tap_ok(rc == -EPIPE, "a sandbox cannot send the host a descriptor (%d)", rc);
	close(export[0].fd);
	ends_close(&(struct ends){ .host = host, .peer = peer });
}

static void hostile(size_t i) {
	static void (*const bodies[])(void) = { false_offers, unasked, liars, stubborn,
		                                host_takes_none };

	bodies[i]();
}

int main(void) {
	if (!getenv("CAISSON_FAKE_CUDA"))
		return tap_skip_all("CAISSON_FAKE_CUDA does not say where the fake driver is");
	for (size_t i = 0; i < 5; i++)
		in_own_process(hostile, i);
	return tap_done();
}
