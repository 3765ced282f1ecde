/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "huge.h"

#include <errno.h>

#include "caisson_channels.h"
#include "limits_impl.h"
#include "limits_place.h"
#include "memory.h"
#include "policy_use.h"

#define FLAGS (CAISSON_CHANNEL_HUGE | CAISSON_CHANNEL_HUGE_REQUIRED)

static const char STAGE[] = "creating a channel";

/*
 * Could the sandbox be kept from the pool? Tried with a group that goes again: what the
 * spawn will make. A scope of systemd's is none, since systemd does not pass hugetlb on.
 */
static int can_fence(const caisson_spec *spec, caisson_error **err) {
	struct limits_asked asked = { .no_pool = true };
	struct entry entry;
	int rc;

	asked.dir = spec->limits ? spec->limits->dir : NULL;
	rc = limits_begin(&asked, &entry, err);
	if (rc == 0 && !entry.leaf)
		rc = error_set(err, EOPNOTSUPP, PLACE_STAGE, "cgroup controller hugetlb",
		               PLACE_REMEDY,
		               "there is no cgroup that would keep the sandbox from the pool of "
		               "reserved huge pages: systemd's scopes do not have the controller");
	limits_done(&entry);
	return rc;
}

static int is_fenced(const caisson_sandbox *box, caisson_error **err) {
	if (box->leaf && box->leaf->asked.no_pool)
		return 0;
	return error_set(err, EACCES, STAGE, "caisson_spec_channel_with()",
	                 "Give the sandbox a channel on huge pages before it is started.",
	                 "the sandbox was not started in a cgroup that keeps it from the pool of "
	                 "reserved huge pages");
}

static int allowed(const struct channel_wish *wish, const struct huge_place *place,
                   caisson_error **err) {
	const uint64_t page = memory_huge_page();
	uint64_t bytes = wish->bytes;
	struct policy *policy;
	uint32_t fault, line;
	int rc;

	if (page && bytes <= INT64_MAX - page)
		bytes = (bytes + page - 1) / page * page;
	policy = policy_load(&fault, &line);
	rc = place->spec
	             ? policy_huge(policy, place->spec->channel, place->spec->channels, bytes, err)
	             : policy_huge(policy, place->box->channel, place->box->channels, bytes, err);
	/* What was rounded up counts as channels as well. */
	bytes += wish->direction == CAISSON_BOTH ? wish->bytes : 0;
	if (rc == 0)
		rc = place->spec ? policy_channels(policy, place->spec->channel,
		                                   place->spec->channels, bytes, err)
		                 : policy_channels(policy, place->box->channel,
		                                   place->box->channels, bytes, err);
	policy_unload(policy);
	if (rc < 0)
		return rc;
	return place->spec ? can_fence(place->spec, err) : is_fenced(place->box, err);
}

static int no_pages(const struct channel_wish *wish, int rc, caisson_error **err) {
	if (rc == -ENOMEM)
		return error_set(
			err, ENOMEM, STAGE, "sysctl vm.nr_hugepages",
			"As root, raise it by as many pages as are missing (HugePages_Free "
			"and Hugepagesize in /proc/meminfo), or do without "
			"(CAISSON_CHANNEL_HUGE).",
			"channel \"%s\": the pool does not have huge pages for %llu bytes",
			wish->name, (unsigned long long)wish->bytes);
	return error_set(err, -rc, STAGE, "memfd_create(2) with MFD_HUGETLB",
	                 "Use Linux 4.16 or later with CONFIG_HUGETLBFS and without a seccomp "
	                 "filter against it, or do without (CAISSON_CHANNEL_HUGE).",
	                 "channel \"%s\": there is no sealed memory of huge pages here",
	                 wish->name);
}

int huge_make(struct channel_wish *wish, unsigned flags, const struct huge_place *place,
              caisson_channel **channel, caisson_error **err) {
	const bool required = flags & CAISSON_CHANNEL_HUGE_REQUIRED;
	caisson_error *why = NULL;
	int rc;

	if (flags & ~FLAGS || (flags && wish->direction == CAISSON_TO_HOST))
		return error_set(err, EINVAL, STAGE, "", "Use CAISSON_TO_SANDBOX or CAISSON_BOTH.",
		                 "channel \"%s\": only what the host writes can lie on reserved "
		                 "huge pages",
		                 wish->name ? wish->name : "");
	if (!flags)
		return channel_make(wish, channel, err);
	rc = allowed(wish, place, &why);
	wish->huge = rc == 0;
	if (wish->huge) {
		rc = channel_make(wish, channel, &why);
		if (rc == 0)
			return 0;
		wish->huge = false;
		if (rc == -ENOMEM || rc == -EOPNOTSUPP) {
			caisson_error_free(why);
			why = NULL;
			no_pages(wish, rc, &why);
		}
	}
	if (required) {
		if (err)
			*err = why;
		else
			caisson_error_free(why);
		return rc;
	}
	caisson_error_free(why);
	return channel_make(wish, channel, err);
}

int huge_check(const caisson_sandbox *box, const caisson_spec *more, caisson_error **err) {
	struct policy *policy;
	uint32_t fault, line;
	uint64_t bytes = 0;
	int rc;

	for (size_t i = 0; i < more->channels; i++)
		bytes += channel_huge_bytes(more->channel[i]);
	if (bytes == 0)
		return 0;
	policy = policy_load(&fault, &line);
	rc = policy_huge(policy, box->channel, box->channels, bytes, err);
	policy_unload(policy);
	return rc ? rc : is_fenced(box, err);
}
