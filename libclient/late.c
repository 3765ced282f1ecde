/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The channels of a sandbox, on the host's side: those that it is given when it
 * starts, and those that are made while it runs. The host's end of the socket by
 * which these are offered is shut for reading: nothing comes back on it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "caisson_channels.h"
#include "fanout.h"
#include "huge.h"
#include "internal.h"
#include "policy_use.h"

#define STAGE_ADD "adding a channel"

static caisson_channel *spec_channel(caisson_spec *spec, struct channel_wish *wish,
                                     unsigned flags) {
	const struct huge_place place = { .spec = spec };
	const char *name = wish->name;
	caisson_channel **more, *channel = NULL;
	caisson_error *err = NULL;

	for (size_t i = 0; i < spec->channels; i++)
		if (name && !strcmp(channel_name(spec->channel[i]), name)) {
			spec_note(spec, -EEXIST, "channel", name);
			return NULL;
		}
	if (spec_channels(spec) + spec->passed >= CAISSON_START_MAX_EXTRA) {
		spec_note(spec, -E2BIG, "channel", name);
		return NULL;
	}
	more = realloc(spec->channel, (spec->channels + 1) * sizeof(*more));
	if (!more) {
		spec_note(spec, -ENOMEM, "channel", name);
		return NULL;
	}
	spec->channel = more;
	if (huge_make(wish, flags, &place, &channel, &err) < 0) {
		if (!spec->error)
			spec->error = err;
		else
			caisson_error_free(err);
		return NULL;
	}
	spec->channel[spec->channels++] = channel;
	return channel;
}

caisson_channel *caisson_spec_channel(caisson_spec *spec, const char *name,
                                      enum caisson_direction direction, uint64_t bytes) {
	return caisson_spec_channel_with(spec, name, direction, bytes, 0);
}

caisson_channel *caisson_spec_channel_with(caisson_spec *spec, const char *name,
                                           enum caisson_direction direction, uint64_t bytes,
                                           unsigned flags) {
	struct channel_wish wish = { name, direction, bytes, .offers = -1 };

	return spec_channel(spec, &wish, flags);
}

caisson_channel *caisson_spec_fanout(caisson_spec *spec, const char *name, caisson_fanout *fanout) {
	struct channel_wish wish = { name, CAISSON_TO_SANDBOX, .fanout = fanout, .offers = -1 };

	wish.bytes = fanout ? fanout->memory.size : 0;
	return spec_channel(spec, &wish, 0);
}

int caisson_spec_late_channels(caisson_spec *spec) {
	if (spec->offers[1] >= 0)
		return 0;
	if (spec_channels(spec) + spec->passed >= CAISSON_START_MAX_EXTRA)
		return spec_note(spec, -E2BIG, "channel", "one more");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, spec->offers) < 0 ||
	    shutdown(spec->offers[0], SHUT_RD) < 0)
		return spec_note(spec, -errno, "channel", "later ones");
	return 0;
}

static int add(caisson_sandbox *box, caisson_channel *channel) {
	caisson_channel **more =
		realloc(box->channel, (box->channels + 1) * sizeof(caisson_channel *));

	if (!more)
		return -ENOMEM;
	box->channel = more;
	box->channel[box->channels++] = channel;
	channel_started(channel);
	return 0;
}

int channels_adopt(caisson_sandbox *box, caisson_spec *spec) {
	while (spec->channels > 0) {
		if (add(box, spec->channel[0]) < 0)
			return -ENOMEM;
		spec->channels_gone = true;
		spec->channels--;
		memmove(spec->channel, spec->channel + 1,
		        spec->channels * sizeof(spec->channel[0]));
	}
	if (spec->offers[0] >= 0) {
		spec->channels_gone = true;
		box->offers = spec->offers[0];
		spec->offers[0] = -1;
		channel_close_fd(&spec->offers[1]);
	}
	return 0;
}

static int check_add(const caisson_sandbox *box, const char *name, uint64_t bytes, int slabs,
                     caisson_error **err) {
	uint32_t fault, line;
	struct policy *policy;
	int rc;

	if (box->offers < 0)
		return error_set(err, ENOTSUP, STAGE_ADD, "caisson_spec_late_channels()",
		                 "Call it before the sandbox is started.",
		                 "the sandbox is not one that gets channels later");
	for (size_t i = 0; i < box->channels; i++)
		if (name && !strcmp(channel_name(box->channel[i]), name))
			return error_set(err, EEXIST, STAGE_ADD, "", "Use another name.",
			                 "the sandbox has a channel \"%s\"", name);
	policy = policy_load(&fault, &line);
	rc = policy_channels(policy, box->channel, box->channels,
	                     bytes > UINT64_MAX / 4 ? bytes : bytes * (uint64_t)slabs, err);
	policy_unload(policy);
	return rc;
}

static int add_new(caisson_sandbox *box, struct channel_wish *wish, unsigned flags,
                   caisson_channel **result, caisson_error **err) {
	const struct huge_place place = { .box = box };
	caisson_channel *channel = NULL;
	int rc;

	if (!box || !result)
		return error_set(err, EINVAL, STAGE_ADD, "", "", "no sandbox was given");
	rc = check_add(box, wish->name, wish->bytes, wish->direction == CAISSON_BOTH ? 2 : 1, err);
	wish->offers = box->offers;
	if (rc == 0)
		rc = huge_make(wish, flags, &place, &channel, err);
	if (rc < 0)
		return rc;
	if (add(box, channel) < 0) {
		channel_free(channel);
		return error_set(err, ENOMEM, STAGE_ADD, "", "", "out of memory");
	}
	*result = channel;
	return 0;
}

int caisson_add_channel(caisson_sandbox *box, const char *name, enum caisson_direction direction,
                        uint64_t bytes, caisson_channel **result, caisson_error **err) {
	return caisson_add_channel_with(box, name, direction, bytes, 0, result, err);
}

int caisson_add_channel_with(caisson_sandbox *box, const char *name,
                             enum caisson_direction direction, uint64_t bytes, unsigned flags,
                             caisson_channel **result, caisson_error **err) {
	struct channel_wish wish = { name, direction, bytes, .offers = -1 };

	return add_new(box, &wish, flags, result, err);
}

int caisson_add_fanout(caisson_sandbox *box, const char *name, caisson_fanout *fanout,
                       caisson_channel **channel, caisson_error **err) {
	struct channel_wish wish = { name, CAISSON_TO_SANDBOX, .fanout = fanout, .offers = -1 };

	wish.bytes = fanout ? fanout->memory.size : 0;
	return add_new(box, &wish, 0, channel, err);
}

void caisson_remove_channel(caisson_sandbox *box, caisson_channel *channel) {
	for (size_t i = 0; box && channel && i < box->channels; i++) {
		if (box->channel[i] != channel)
			continue;
		box->channels--;
		memmove(box->channel + i, box->channel + i + 1,
		        (box->channels - i) * sizeof(box->channel[0]));
		channel_free(channel);
		return;
	}
}
