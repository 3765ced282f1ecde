/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host makes a channel and hands it over; how it ends on either side. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "caisson_channels.h"
#include "channel_impl.h"
#include "error.h"
#include "fanout.h"
#include "keeper.h"

#define STAGE_NEW "creating a channel"

union fd_message {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int) * (CAISSON_CHANNEL_FDS + 1))];
};

void channel_close_fd(int *fd) {
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Spinning for another CPU's answer is a waste where there is only one. */
static bool more_than_one_cpu(void) {
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) < 0 || CPU_COUNT(&cpus) > 1;
}

caisson_channel *channel_alloc(const char *name, bool host) {
	caisson_channel *channel = aligned_alloc(_Alignof(caisson_channel), sizeof(*channel));

	if (!channel)
		return NULL;
	memset(channel, 0, sizeof(*channel));
	snprintf(channel->name, sizeof(channel->name), "%s", name);
	channel->owner = getpid();
	channel->peer = channel->bell.socket = channel->bell.event = channel->bell.wait = -1;
	channel->bell.host = host;
	channel->spins = more_than_one_cpu();
	channel->rx.spin_ns = 1000;
	return channel;
}

static bool name_valid(const char *name) {
	size_t length = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") : 0;

	return length > 0 && length <= CHANNEL_NAME_MAX && name[length] == '\0';
}

bool channel_carries(const caisson_channel *channel, bool to_host) {
	return (channel->direction & (to_host ? CAISSON_TO_HOST : CAISSON_TO_SANDBOX)) != 0;
}

/* The lease tables; the memory is mapped by now, on either side. */
int channel_sides(caisson_channel *channel, uint32_t slots, uint64_t tx_bytes) {
	int rc = 0;

	ring_at(&channel->mine, channel->my_page.base, slots);
	ring_at(&channel->theirs, channel->their_page.base, slots);
	if (channel->tx.memory.size)
		rc = slab_init(&channel->tx.slab, (uint16_t)slots, tx_bytes);
	if (rc == 0 && channel->rx.memory.base)
		rc = slab_init(&channel->rx.slab, (uint16_t)slots, 0);
	if (ring_wake_slot(&channel->mine, 0) < 0) {
		atomic_store(&channel->no_futex, true);
		atomic_fetch_or(&channel->mine.page->state, CAISSON_CHANNEL_NO_FUTEX);
	}
	atomic_store(&channel->mine.page->version, CAISSON_CHANNEL_VERSION);
	atomic_fetch_or(&channel->mine.page->state, CAISSON_CHANNEL_ATTACHED);
	return rc;
}

void channel_destroy(caisson_channel *channel) {
	if (channel->device.ops)
		channel->device.ops->leave(channel);
	if (channel->owner == getpid())
		fanout_leave(channel);
	keeper_leave(channel);
	/* A forked child's copy goes without a word: the channel is its parent's. */
	if (channel->mine.page && channel->owner == getpid()) {
		atomic_fetch_or(&channel->mine.page->state, CAISSON_CHANNEL_CLOSED);
		bell_ring(&channel->bell);
		(void)ring_wake_slot(&channel->mine, channel->tx.sent);
	}
	/* A forked child has no such thread. */
	if (channel->owner == getpid())
		prefault_stop(&channel->prefault);
	memory_unmap(&channel->my_page);
	memory_unmap(&channel->their_page);
	memory_unmap(&channel->tx.memory);
	memory_unmap(&channel->tx.shared);
	memory_unmap(&channel->rx.memory);
	slab_destroy(&channel->tx.slab);
	slab_destroy(&channel->rx.slab);
	free(channel->rx.kept);
	channel_close_fd(&channel->peer);
	if (channel->bell.host)
		channel_close_fd(&channel->bell.wait);
	channel_close_fd(&channel->bell.socket);
	channel_close_fd(&channel->bell.event);
	free(channel);
}

/* -------------------------------------------------------------------- host */

/* Memory that the host writes: mapped, then sealed against every other writer. */
static int make_mine(struct memory *memory, const char *name, uint64_t bytes, int *fd) {
	int rc = *fd = memory_new(name, bytes);

	if (rc >= 0)
		rc = memory_map(memory, *fd, bytes, true);
	return rc < 0 ? rc : memory_seal_writes(*fd);
}

/*
 * The same for a slab, where such a seal is not to be had: the host's own memory, which is
 * copied into the slab as it is sent. The host never reads what the sandbox could change.
 */
static int make_slab(struct channel_tx *tx, uint64_t bytes, int *fd) {
	struct memory *own = &tx->memory;
	int rc = make_mine(own, "caisson-to-sandbox", bytes, fd);

	if (rc != -ENOTSUP)
		return rc;
	tx->shared = *own;
	own->base =
		mmap(NULL, own->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (own->base == MAP_FAILED) {
		own->base = NULL;
		return -ENOMEM;
	}
	(void)memory_seal_seals(*fd); /* where the other seal was taken for nothing, this is done */
	return 0;
}

/* On huge pages, sealed as any other slab. There is no copy in their place. */
static int make_huge_slab(caisson_channel *channel, uint64_t bytes, int *fd) {
	struct memory *own = &channel->tx.memory;
	int rc = *fd = memory_new_huge("caisson-to-sandbox", &bytes);

	if (rc >= 0)
		rc = memory_map(own, *fd, bytes, true);
	rc = rc < 0 ? rc : memory_seal_writes(*fd);
	channel->huge = rc == 0;
	return rc;
}

/* Memory that the sandbox writes; its size is fixed before the sandbox sees it. */
static int make_theirs(struct memory *memory, const char *name, uint64_t bytes, int *fd) {
	int rc = *fd = memory_new(name, bytes);

	if (rc >= 0)
		rc = memory_map(memory, *fd, bytes, false);
	return rc < 0 ? rc : memory_seal_seals(*fd);
}

/* A member of a fan-out has that one's slab, which was sealed when the first came. */
static int share_slab(caisson_channel *channel, caisson_fanout *fanout, int *fd) {
	int rc = 0;

	if (!fanout->frozen && fanout->members == 0 && !fanout->sealed) {
		rc = memory_seal_writes(fanout->fd);
		fanout->sealed = rc == 0;
	}
	channel->tx.memory.size = fanout->memory.size;
	*fd = fcntl(fanout->fd, F_DUPFD_CLOEXEC, 3);
	return rc < 0 ? rc : *fd < 0 ? -errno : 0;
}

static int make_memory(caisson_channel *channel, uint64_t bytes, const struct channel_wish *wish,
                       int *fd) {
	caisson_fanout *fanout = wish->fanout;
	const uint64_t page = CAISSON_CHANNEL_PAGE_BYTES(CHANNEL_SLOTS);
	int rc = make_mine(&channel->my_page, "caisson-host", page, &fd[0]);

	/* Of its own page a side reads nothing: another writer misleads only the reader. */
	if (rc == -ENOTSUP && !fanout) {
		channel->copies = true;
		(void)memory_seal_seals(fd[0]);
		rc = 0;
	}
	if (rc == 0)
		rc = make_theirs(&channel->their_page, "caisson-sandbox", page, &fd[1]);
	if (rc == 0 && channel_carries(channel, true))
		rc = make_theirs(&channel->rx.memory, "caisson-to-host", bytes, &fd[3]);
	if (rc == 0 && fanout)
		return share_slab(channel, fanout, &fd[4]);
	if (rc == 0 && wish->huge)
		return channel->copies ? -ENOTSUP : make_huge_slab(channel, bytes, &fd[4]);
	if (rc == 0 && channel_carries(channel, false))
		rc = make_slab(&channel->tx, bytes, &fd[4]);
	return rc;
}

static int make_bell(caisson_channel *channel) {
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	channel->bell.socket = pair[0];
	channel->peer = pair[1];
	/*
	 * Before anybody else has the other end: nothing can ever be queued
	 * here, descriptors whose closing blocks least of all.
	 */
	if (shutdown(channel->bell.socket, SHUT_RD) < 0)
		return -errno;
	channel->bell.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (channel->bell.event < 0)
		return -errno;
	return bell_host_init(&channel->bell);
}

/* To a program that runs it goes by another socket, and the channel's own comes along. */
static int send_hello(const caisson_channel *channel, uint64_t bytes, const int *memory,
                      int offers) {
	struct caisson_channel_hello hello = {
		.magic = CAISSON_CHANNEL_MAGIC,
		.size = sizeof(hello),
		.version_min = CAISSON_CHANNEL_VERSION,
		.version_max = CAISSON_CHANNEL_VERSION,
		.direction = channel->direction,
		.slots = CHANNEL_SLOTS,
		.slot_size = sizeof(struct caisson_channel_slot),
		.page_bytes = CAISSON_CHANNEL_PAGE_BYTES(CHANNEL_SLOTS),
		.to_host_bytes = channel_carries(channel, true) ? bytes : 0,
		.to_sandbox_bytes = channel->tx.memory.size,
		.generation = CHANNEL_GENERATION,
	};
	struct iovec iov = { &hello, sizeof(hello) };
	union fd_message control = { .bytes = { 0 } };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control };
	int fds[CAISSON_CHANNEL_FDS + 1] = { 0 };
	struct cmsghdr *header;
	ssize_t n;

	memcpy(hello.name, channel->name, sizeof(channel->name));
	for (int i = 0; i < CAISSON_CHANNEL_FDS; i++) {
		int fd = i == CAISSON_CHANNEL_FD_BELL ? channel->bell.event : memory[i];

		if (fd >= 0)
			fds[hello.fds++] = fd;
	}
	if (offers >= 0)
		fds[hello.fds++] = channel->peer;
	message.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * hello.fds);
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * hello.fds);
	memcpy(CMSG_DATA(header), fds, sizeof(int) * hello.fds);
	n = sendmsg(offers >= 0 ? offers : channel->bell.socket, &message,
	            MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0) /* the other end was closed with something unread in it: the same */
		return errno == ECONNRESET ? -EPIPE : -errno;
	return n == (ssize_t)sizeof(hello) ? 0 : -EIO;
}

/* Which limit an errno of set-up speaks of, and what to do about it. */
int channel_new_failed(caisson_error **err, int rc, const char *name, uint64_t bytes) {
	const char *knob = "", *remedy = "";

	if (rc == -EMFILE || rc == -ENFILE || rc == -ETOOMANYREFS) {
		knob = rc == -ENFILE ? "sysctl fs.file-max" : "RLIMIT_NOFILE";
		remedy = "Raise the limit on open files, or use fewer channels at once.";
	} else if (rc == -EFBIG) {
		knob = "RLIMIT_FSIZE";
		remedy = "Raise the limit on file sizes, or ask for a smaller channel.";
	} else if (rc == -ENOMEM) {
		knob = "RLIMIT_AS";
		remedy = "Ask for a smaller channel, or raise the limit on address space.";
	} else if (rc == -ENOTSUP) {
		knob = "Linux 5.1";
		remedy = "Use a kernel that enforces F_SEAL_FUTURE_WRITE.";
	} else if (rc == -EPIPE) {
		remedy = "The sandbox has ended, or closed what channels are offered by.";
	} else if (rc == -EAGAIN) {
		remedy = "Wait until the program has opened those that it was offered before.";
	} else if (rc == -ENOSYS || rc == -EPERM || rc == -EACCES) {
		knob = "seccomp";
		remedy = "Allow memfd_create(2), fcntl(2) with F_ADD_SEALS, eventfd2(2) and "
			 "socketpair(2) with AF_UNIX to the host application.";
	}
	return error_set(err, -rc, STAGE_NEW, knob, remedy,
	                 "channel \"%s\" with slabs of %llu bytes could not be made", name,
	                 (unsigned long long)bytes);
}

static int check_wish(const struct channel_wish *wish, caisson_error **err) {
	const char *name = wish->name;

	if (!name_valid(name))
		return error_set(err, EINVAL, STAGE_NEW, "", "Use 1 to 31 of a-z, 0-9, _ and -.",
		                 "\"%s\" is not a name for a channel", name ? name : "");
	if (wish->direction < CAISSON_TO_HOST || wish->direction > CAISSON_BOTH)
		return error_set(err, EINVAL, STAGE_NEW, "", "",
		                 "channel \"%s\": there is no direction %d", name,
		                 (int)wish->direction);
	if (wish->bytes == 0 || wish->bytes > INT64_MAX - (uint64_t)sysconf(_SC_PAGESIZE))
		return error_set(err, EINVAL, STAGE_NEW, "", "",
		                 "channel \"%s\": a slab cannot have %llu bytes", name,
		                 (unsigned long long)wish->bytes);
	return 0;
}

int channel_make(const struct channel_wish *wish, caisson_channel **result, caisson_error **err) {
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int memory[CAISSON_CHANNEL_FDS] = { -1, -1, -1, -1, -1 };
	caisson_channel *channel;
	uint64_t bytes;
	int rc = check_wish(wish, err);

	if (rc < 0)
		return rc;
	bytes = (wish->bytes + page - 1) & ~(page - 1);
	channel = channel_alloc(wish->name, true);
	if (!channel)
		return channel_new_failed(err, -ENOMEM, wish->name, bytes);
	channel->direction = wish->direction;
	channel->generation = CHANNEL_GENERATION;
	rc = make_memory(channel, bytes, wish, memory);
	if (rc == 0)
		rc = make_bell(channel);
	if (rc == 0)
		rc = channel_sides(channel, CHANNEL_SLOTS, channel->tx.memory.size);
	if (rc == 0 && wish->fanout)
		rc = fanout_join(wish->fanout, channel);
	if (rc == 0)
		rc = send_hello(channel, bytes, memory, wish->offers);
	if (rc == 0)
		atomic_store(&channel->lane,
		             (channel->copies ? CAISSON_LANE_COPY : memory_lane(memory[0])) |
		                     (channel->huge ? CAISSON_LANE_HUGETLB : 0));
	for (int i = 0; i < CAISSON_CHANNEL_FDS; i++)
		channel_close_fd(&memory[i]);
	if (rc < 0) {
		channel_destroy(channel);
		return channel_new_failed(err, rc, wish->name, bytes);
	}
	*result = channel;
	return 0;
}

int channel_new(const char *name, enum caisson_direction direction, uint64_t bytes,
                caisson_channel **result, caisson_error **err) {
	const struct channel_wish wish = { name, direction, bytes, .offers = -1 };

	return channel_make(&wish, result, err);
}

const char *channel_name(const caisson_channel *channel) {
	return channel->name;
}

uint64_t channel_bytes(const caisson_channel *channel) {
	return channel->tx.memory.size + channel->rx.memory.size;
}

uint64_t channel_huge_bytes(const caisson_channel *channel) {
	return channel->huge ? channel->tx.memory.size : 0;
}

int channel_peer_fd(const caisson_channel *channel) {
	return channel->peer;
}

void channel_started(caisson_channel *channel) {
	channel_close_fd(&channel->peer);
}

void channel_free(caisson_channel *channel) {
	if (channel)
		channel_destroy(channel);
}
