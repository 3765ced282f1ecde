/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Channels that the host offers once the program runs. Offers come in on one
 * socket in the order they were made; those that nobody has asked for yet are
 * kept, whoever asks first.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "caisson_channels.h"
#include "channel_impl.h"
#include "error.h"
#include "offer.h"

/* What one waits at a time: another thread may take the message that this one waits for. */
#define SLICE_MS 50

static struct waiting {
	struct waiting *next;
	struct offer offer;
	int rc; /* as offer_receive() said */
} * first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void drop(struct waiting **at) {
	struct waiting *old = *at;

	*at = old->next;
	free(old);
}

static struct waiting **find(const char *name) {
	struct waiting **at = &first;

	while (*at && strncmp((*at)->offer.hello.name, name, sizeof((*at)->offer.hello.name)) != 0)
		at = &(*at)->next;
	return at;
}

/* A name that is offered again is the new one: the host has closed the other. */
static int keep(const struct offer *offer, int rc) {
	struct waiting *new = malloc(sizeof(*new)), **same;
	char name[sizeof(offer->hello.name) + 1] = "";

	if (!new)
		return -ENOMEM;
	memcpy(name, offer->hello.name, sizeof(offer->hello.name));
	same = find(name);
	if (*same) {
		offer_close(&(*same)->offer);
		drop(same);
	}
	*new = (struct waiting){ .next = first, .offer = *offer, .rc = rc };
	first = new;
	return 0;
}

/* All that has come: -EAGAIN, or -EPIPE if no more will. */
static int drain(int fd) {
	for (;;) {
		struct offer offer = { .socket = -1 };
		int rc = offer_receive(fd, &offer, true);

		if (rc == -EINTR)
			continue;
		if (rc == -EPIPE || rc == -EAGAIN)
			return rc;
		if ((rc != 0 && rc != -EMFILE && rc != -EPROTO) || keep(&offer, rc) < 0) {
			offer_close(&offer);
			return rc ? rc : -ENOMEM;
		}
	}
}

static int take(int fd, const char *name, struct offer *offer) {
	struct waiting **at;
	int rc;

	pthread_mutex_lock(&lock);
	rc = drain(fd);
	at = find(name);
	if (*at) {
		*offer = (*at)->offer;
		rc = (*at)->rc;
		drop(at);
		if (rc < 0)
			offer_close(offer);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

int offers_take(const char *name, int timeout_ms, struct offer *offer) {
	const uint64_t start = channel_now_ns();
	struct pollfd ready = { .fd = channel_offers_socket(), .events = POLLIN };
	int rc, left = timeout_ms;

	if (ready.fd < 0)
		return -ENOENT;
	(void)fcntl(ready.fd, F_SETFD, FD_CLOEXEC);
	for (;;) {
		rc = take(ready.fd, name, offer);
		if (rc != -EAGAIN)
			return rc;
		if (timeout_ms >= 0) {
			uint64_t passed = (channel_now_ns() - start) / 1000000u;

			if (passed >= (uint64_t)timeout_ms)
				return -EAGAIN;
			left = timeout_ms - (int)passed;
		}
		(void)poll(&ready, 1, left < 0 || left > SLICE_MS ? SLICE_MS : left);
	}
}

int caisson_offers_fd(void) {
	return channel_offers_socket();
}

int caisson_channel_await(const char *name, int timeout_ms, caisson_channel **channel,
                          caisson_error **err) {
	struct offer offer;
	int rc;

	if (!name || !*name || strlen(name) > CHANNEL_NAME_MAX || !channel)
		return error_set(err, EINVAL, STAGE_OPEN, "", "", "a channel needs a name");
	rc = offers_take(name, timeout_ms, &offer);
	if (rc == 0)
		return channel_attach(name, &offer, 0, channel, err);
	if (rc == -ENOENT)
		return error_set(err, ENOENT, STAGE_OPEN, "caisson_spec_late_channels()",
		                 "Have the host application ask for it before the start.",
		                 "no channel \"%s\": this program is offered none later", name);
	if (rc == -EAGAIN)
		return error_set(err, timeout_ms ? ETIMEDOUT : EAGAIN, STAGE_OPEN, "",
		                 "Wait for caisson_offers_fd(), or longer.",
		                 "the host application has not offered channel \"%s\" yet", name);
	if (rc == -EPIPE)
		return error_set(err, EPIPE, STAGE_OPEN, "", "",
		                 "the host application ended without a channel \"%s\"", name);
	return error_set(err, -rc, STAGE_OPEN, rc == -EMFILE ? "RLIMIT_NOFILE" : "", "",
	                 "the offer of channel \"%s\" could not be received", name);
}
