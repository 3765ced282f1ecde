/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of libcaisson for POSIX share. */
#ifndef CAISSON_LIBCLIENT_POSIX_H
#define CAISSON_LIBCLIENT_POSIX_H

#include <stdbool.h>
#include <sys/types.h>

#include "caisson.h"
#include "error.h"

#define POSIX_CHANNELS 16
/* The folder of the channels, for the program that is started. */
#define POSIX_ENV "CAISSON_CHANNEL_FILES"

struct caisson_spec {
	char **argv, **env; /* NULL-terminated */
	char *cwd;
	int stdio[3];
	bool unsandboxed, required, no_memory;
	bool bare_env; /* without PATH and its kind */
	char *folder;  /* of its channels; NULL: none yet */
	caisson_channel *channel[POSIX_CHANNELS];
	size_t channels;
};

struct caisson_sandbox {
	pid_t pid;
	bool ended;
	int status;
	char *folder;
	caisson_channel *channel[POSIX_CHANNELS];
	size_t channels;
};

/* channel.c: the host's end below folder, which is made, or opened, for this name. */
caisson_channel *posix_channel_new(const char *folder, const char *name,
                                   enum caisson_direction direction, uint64_t bytes);
/* With remove: its files too. */
void posix_channel_free(caisson_channel *channel, bool remove);
/* From now on the other side is gone once box has ended. */
void posix_channel_started(caisson_channel *channel, caisson_sandbox *box);
/* box.c: has the program ended? Reaps it. */
bool posix_ended(caisson_sandbox *box);
/* Sleeps a moment; false once until (from posix_now_ms) has passed. -1: never. */
bool posix_wait_a_bit(long long until);
long long posix_now_ms(void);

#endif
