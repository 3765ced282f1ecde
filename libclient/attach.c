/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host offers is received, judged and mapped, on the sandbox's side. */
#include "offer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel_impl.h"
#include "error.h"

void offer_close(struct offer *offer) {
	for (int i = 0; i < CAISSON_CHANNEL_FDS; i++)
		channel_close_fd(&offer->fd[i]);
	channel_close_fd(&offer->socket);
}

static int refused(caisson_error **err, const char *name, const char *why) {
	return error_set(err, EPROTO, STAGE_OPEN, "version of libcaisson",
	                 "Use libraries of the same release on both sides.",
	                 "the host's offer of channel \"%s\" cannot be used: %s", name, why);
}

int offer_receive(int fd, struct offer *offer, bool late) {
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * (CAISSON_CHANNEL_FDS + 1))];
	} control;
	struct iovec iov = { &offer->hello, sizeof(offer->hello) };
	struct msghdr message = { .msg_iov = &iov,
		                  .msg_iovlen = 1,
		                  .msg_control = &control,
		                  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	int fds[CAISSON_CHANNEL_FDS + 1];
	size_t count = 0, next = 0;

	*offer =
		(struct offer){ .hello = offer->hello, .fd = { -1, -1, -1, -1, -1 }, .socket = -1 };
	header = n < 0 ? NULL : CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (count)
		memcpy(fds, CMSG_DATA(header), count * sizeof(int));
	for (int i = 0; i < CAISSON_CHANNEL_FDS && next < count; i++) {
		bool absent =
			(i == CAISSON_CHANNEL_FD_TO_HOST && !offer->hello.to_host_bytes) ||
			(i == CAISSON_CHANNEL_FD_TO_SANDBOX && !offer->hello.to_sandbox_bytes);

		if (!absent)
			offer->fd[i] = fds[next++];
	}
	if (late && next < count)
		offer->socket = fds[next++];
	while (next < count)
		close(fds[next++]);
	if (n < 0)
		return -errno;
	if (message.msg_flags & MSG_CTRUNC)
		return -EMFILE;
	if (n == 0 && count == 0)
		return -EPIPE;
	return n == (ssize_t)sizeof(offer->hello) && count == offer->hello.fds &&
	                       late == (offer->socket >= 0)
	               ? 0
	               : -EPROTO;
}

/* Which rule of docs/protocol/channel.md the hello breaks, or NULL. */
static const char *judge(const struct caisson_channel_hello *hello, const char *name) {
	const uint64_t to_host = hello->direction & CAISSON_TO_HOST;
	const uint64_t to_sandbox = hello->direction & CAISSON_TO_SANDBOX;

	if (hello->magic != CAISSON_CHANNEL_MAGIC || hello->size < sizeof(*hello))
		return "it is not one";
	if (hello->version_min > CAISSON_CHANNEL_VERSION ||
	    hello->version_max < CAISSON_CHANNEL_VERSION)
		return "it speaks other versions than this library's 1";
	if (hello->required != 0)
		return "it requires a feature that this library does not have";
	if (strncmp(hello->name, name, sizeof(hello->name)) != 0)
		return "it is for a channel of another name";
	if (hello->direction < CAISSON_TO_HOST || hello->direction > CAISSON_BOTH ||
	    !to_host != !hello->to_host_bytes || !to_sandbox != !hello->to_sandbox_bytes)
		return "its direction and its slabs do not fit";
	if (hello->generation == 0 || hello->generation > UINT16_MAX)
		return "its slabs have an impossible generation";
	if (hello->slots < 2 || hello->slots > CAISSON_CHANNEL_MAX_SLOTS ||
	    (hello->slots & (hello->slots - 1)) != 0 ||
	    hello->slot_size != sizeof(struct caisson_channel_slot) ||
	    hello->page_bytes < CAISSON_CHANNEL_PAGE_BYTES(hello->slots))
		return "its rings have an impossible size";
	return NULL;
}

/* Each object's size is proved before it is mapped: beyond the end would be SIGBUS. */
static int map(struct memory *memory, int fd, uint64_t bytes, bool writable) {
	int rc = memory_check(fd, bytes);

	return rc < 0 ? rc : memory_map(memory, fd, bytes, writable);
}

static int map_all(caisson_channel *channel, const struct offer *offer) {
	const struct caisson_channel_hello *hello = &offer->hello;
	const int *fd = offer->fd;
	int rc = map(&channel->their_page, fd[CAISSON_CHANNEL_FD_HOST_PAGE], hello->page_bytes,
	             false);

	if (rc == 0)
		rc = map(&channel->my_page, fd[CAISSON_CHANNEL_FD_SANDBOX_PAGE], hello->page_bytes,
		         true);
	if (rc == 0 && channel_carries(channel, true))
		rc = map(&channel->tx.memory, fd[CAISSON_CHANNEL_FD_TO_HOST], hello->to_host_bytes,
		         true);
	if (rc == 0 && channel_carries(channel, false))
		rc = map(&channel->rx.memory, fd[CAISSON_CHANNEL_FD_TO_SANDBOX],
		         hello->to_sandbox_bytes, false);
	return rc;
}

static int attach(caisson_channel *channel, struct offer *offer, caisson_error **err) {
	const struct caisson_channel_hello *hello = &offer->hello;
	int rc;

	channel->direction = (enum caisson_direction)hello->direction;
	channel->generation = (uint16_t)hello->generation;
	rc = map_all(channel, offer);
	if (rc == 0) {
		channel->bell.event = offer->fd[CAISSON_CHANNEL_FD_BELL];
		offer->fd[CAISSON_CHANNEL_FD_BELL] = -1;
		channel->bell.wait = channel->bell.socket;
		atomic_store(&channel->lane, memory_lane(offer->fd[CAISSON_CHANNEL_FD_HOST_PAGE]));
		if (offer->fd[CAISSON_CHANNEL_FD_TO_SANDBOX] >= 0)
			atomic_fetch_or(&channel->lane,
			                memory_lane(offer->fd[CAISSON_CHANNEL_FD_TO_SANDBOX]) &
			                        (CAISSON_LANE_FROZEN | CAISSON_LANE_HUGETLB));
		rc = channel_sides(channel, hello->slots, hello->to_host_bytes);
	}
	if (rc == -EPROTO)
		return refused(err, channel->name, "its memory is not sealed, or of another size");
	if (rc < 0)
		return error_set(err, -rc, STAGE_OPEN, rc == -ENOMEM ? "RLIMIT_AS" : "",
		                 rc == -ENOMEM ? "Raise the limit on address space, or ask the "
		                                 "host application for a smaller channel."
		                               : "",
		                 "the memory of channel \"%s\" could not be mapped", channel->name);
	return 0;
}

int channel_attach(const char *name, struct offer *offer, int rc, caisson_channel **result,
                   caisson_error **err) {
	caisson_channel *channel = channel_alloc(name, false);
	const char *fault = rc == 0 ? judge(&offer->hello, name) : NULL;

	if (!channel) {
		offer_close(offer);
		return error_set(err, ENOMEM, STAGE_OPEN, "", "", "channel \"%s\": no memory",
		                 name);
	}
	/* The hello is gone now: whatever fails from here on, the host shall see the end. */
	channel->bell.socket = offer->socket;
	offer->socket = -1;
	(void)fcntl(channel->bell.socket, F_SETFD, FD_CLOEXEC);
	if (rc == -EMFILE)
		error_set(err, EMFILE, STAGE_OPEN, "RLIMIT_NOFILE",
		          "Raise the limit on open files.",
		          "the descriptors of channel \"%s\" could not all be received", name);
	else if (rc < 0)
		rc = refused(err, name, "it did not arrive whole");
	else if (fault)
		rc = refused(err, name, fault);
	else
		rc = attach(channel, offer, err);
	offer_close(offer);
	if (rc < 0)
		channel_destroy(channel);
	else
		*result = channel;
	return rc;
}
