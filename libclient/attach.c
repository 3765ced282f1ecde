/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program in the sandbox opens the end of a channel that it was given. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel_impl.h"
#include "error.h"

#define STAGE "opening a channel"

struct offer {
	struct caisson_channel_hello hello;
	int fd[CAISSON_CHANNEL_FDS]; /* -1: not carried */
};

static void offer_close(struct offer *offer) {
	for (int i = 0; i < CAISSON_CHANNEL_FDS; i++)
		channel_close_fd(&offer->fd[i]);
}

static int refused(caisson_error **err, const char *name, const char *why) {
	return error_set(err, EPROTO, STAGE, "version of libcaisson",
	                 "Use libraries of the same release on both sides.",
	                 "the host's offer of channel \"%s\" cannot be used: %s", name, why);
}

/* The number after "name:" in a list of "name:fd" divided by commas; -1 if it is not there. */
static int find_fd(const char *list, const char *name) {
	const size_t length = strlen(name);

	while (list && *list) {
		char *end;
		long fd;

		if (strncmp(list, name, length) == 0 && list[length] == ':') {
			fd = strtol(list + length + 1, &end, 10);
			if (end == list + length + 1 || (*end != ',' && *end != '\0') || fd < 0 ||
			    fd > INT_MAX)
				return -1;
			return (int)fd;
		}
		list = strchr(list, ',');
		if (list)
			list++;
	}
	return -1;
}

static int find_socket(const char *name, int *fd, caisson_error **err) {
	const char *list = getenv(CHANNEL_ENV);
	int domain = 0, type = 0;
	socklen_t length = sizeof(int);

	if (!list)
		return error_set(err, ENOENT, STAGE, CHANNEL_ENV,
		                 "Start this program in a sandbox with a channel of that name.",
		                 "no channel \"%s\": the environment names none at all", name);
	*fd = find_fd(list, name);
	if (*fd < 0)
		return error_set(err, ENOENT, STAGE, CHANNEL_ENV,
		                 "Use a name that the host application gave its channels.",
		                 "no channel \"%s\" among \"%s\"", name, list);
	if (getsockopt(*fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0 || domain != AF_UNIX ||
	    getsockopt(*fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || type != SOCK_SEQPACKET)
		return error_set(err, EBADF, STAGE, CHANNEL_ENV, "A channel can be opened once.",
		                 "descriptor %d of channel \"%s\" is no longer its socket: "
		                 "it was closed before",
		                 *fd, name);
	return 0;
}

/*
 * The hello is there since before this program started, or it was taken
 * already; what is queued then are bells, and they are left alone.
 */
static int look_for_hello(int fd, const char *name, caisson_error **err) {
	struct caisson_channel_hello hello;
	ssize_t n = recv(fd, &hello, sizeof(hello), MSG_PEEK | MSG_DONTWAIT);

	if (n == (ssize_t)sizeof(hello))
		return 0;
	if (n == 0)
		return error_set(err, EPIPE, STAGE, "", "",
		                 "channel \"%s\": the host application has closed it", name);
	return error_set(err, EBUSY, STAGE, "", "Open a channel once, and share what you got.",
	                 "channel \"%s\" is open already in this sandbox", name);
}

static int receive(int fd, struct offer *offer) {
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * CAISSON_CHANNEL_FDS)];
	} control;
	struct iovec iov = { &offer->hello, sizeof(offer->hello) };
	struct msghdr message = { .msg_iov = &iov,
		                  .msg_iovlen = 1,
		                  .msg_control = &control,
		                  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	int fds[CAISSON_CHANNEL_FDS];
	size_t count = 0, next = 0;

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
	while (next < count)
		close(fds[next++]);
	if (n < 0)
		return -errno;
	if (message.msg_flags & MSG_CTRUNC)
		return -EMFILE;
	return n == (ssize_t)sizeof(offer->hello) && count == offer->hello.fds ? 0 : -EPROTO;
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
		rc = channel_sides(channel, hello->slots, hello->to_host_bytes);
	}
	if (rc == -EPROTO)
		return refused(err, channel->name, "its memory is not sealed, or of another size");
	if (rc < 0)
		return error_set(err, -rc, STAGE, rc == -ENOMEM ? "RLIMIT_AS" : "",
		                 rc == -ENOMEM ? "Raise the limit on address space, or ask the "
		                                 "host application for a smaller channel."
		                               : "",
		                 "the memory of channel \"%s\" could not be mapped", channel->name);
	return 0;
}

int caisson_channel_open(const char *name, caisson_channel **result, caisson_error **err) {
	struct offer offer = { .fd = { -1, -1, -1, -1, -1 } };
	caisson_channel *channel;
	const char *fault;
	int rc, fd = -1;

	if (!name || !*name || strlen(name) > CHANNEL_NAME_MAX || !result)
		return error_set(err, EINVAL, STAGE, "", "", "a channel needs a name");
	rc = find_socket(name, &fd, err);
	if (rc == 0)
		rc = look_for_hello(fd, name, err);
	if (rc < 0)
		return rc;
	channel = channel_alloc(name, false);
	if (!channel)
		return error_set(err, ENOMEM, STAGE, "", "", "channel \"%s\": no memory", name);
	rc = receive(fd, &offer);
	/* The hello is gone now: whatever fails from here on, the host shall see the end. */
	channel->bell.socket = fd;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	fault = rc == 0 ? judge(&offer.hello, name) : NULL;
	if (rc == -EMFILE)
		error_set(err, EMFILE, STAGE, "RLIMIT_NOFILE", "Raise the limit on open files.",
		          "the descriptors of channel \"%s\" could not all be received", name);
	else if (rc < 0)
		rc = refused(err, name, "it did not arrive whole");
	else if (fault)
		rc = refused(err, name, fault);
	else
		rc = attach(channel, &offer, err);
	offer_close(&offer);
	if (rc < 0)
		channel_destroy(channel);
	else
		*result = channel;
	return rc;
}

void caisson_channel_close(caisson_channel *channel) {
	if (channel && !channel->bell.host)
		channel_destroy(channel);
}
