/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program in the sandbox opens the end of a channel that it was given. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "channel_impl.h"
#include "error.h"
#include "offer.h"

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

static bool is_socket(int fd) {
	int domain = 0, type = 0;
	socklen_t length = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

int channel_offers_socket(void) {
	int fd = find_fd(getenv(CHANNEL_ENV), CHANNEL_OFFERS);

	return fd >= 0 && is_socket(fd) ? fd : -1;
}

static int find_socket(const char *name, int *fd, caisson_error **err) {
	const char *list = getenv(CHANNEL_ENV);

	if (!list)
		return error_set(err, ENOENT, STAGE_OPEN, CHANNEL_ENV,
		                 "Start this program in a sandbox with a channel of that name.",
		                 "no channel \"%s\": the environment names none at all", name);
	*fd = find_fd(list, name);
	if (*fd < 0)
		return error_set(err, ENOENT, STAGE_OPEN, CHANNEL_ENV,
		                 "Use a name that the host application gave its channels.",
		                 "no channel \"%s\" among \"%s\"", name, list);
	if (!is_socket(*fd))
		return error_set(err, EBADF, STAGE_OPEN, CHANNEL_ENV,
		                 "A channel can be opened once.",
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
		return error_set(err, EPIPE, STAGE_OPEN, "", "",
		                 "channel \"%s\": the host application has closed it", name);
	return error_set(err, EBUSY, STAGE_OPEN, "", "Open a channel once, and share what you got.",
	                 "channel \"%s\" is open already in this sandbox", name);
}

static int open_given(const char *name, caisson_channel **result, caisson_error **err) {
	struct offer offer;
	int rc, fd = -1;

	rc = find_socket(name, &fd, err);
	if (rc == 0)
		rc = look_for_hello(fd, name, err);
	if (rc < 0)
		return rc;
	rc = offer_receive(fd, &offer, false);
	offer.socket = fd;
	return channel_attach(name, &offer, rc, result, err);
}

int caisson_channel_open(const char *name, caisson_channel **result, caisson_error **err) {
	struct offer offer;

	if (!name || !*name || strlen(name) > CHANNEL_NAME_MAX || !result)
		return error_set(err, EINVAL, STAGE_OPEN, "", "", "a channel needs a name");
	if (find_fd(getenv(CHANNEL_ENV), name) < 0 && offers_take(name, 0, &offer) == 0)
		return channel_attach(name, &offer, 0, result, err);
	return open_given(name, result, err);
}

void caisson_channel_close(caisson_channel *channel) {
	if (channel && !channel->bell.host)
		channel_destroy(channel);
}
