/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy_use.h"

#include <locale.h>
#include <sys/mman.h>

#include "channel.h"
#include "policy_place.h"

static const char STAGE[] = "asking the policy";

struct policy *policy_load(uint32_t *fault, uint32_t *line) {
	struct policy *p =
		mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	locale_t c, before;
	int groups, error;

	*fault = CAISSON_POLICY_OPEN;
	*line = 0;
	if (p == MAP_FAILED)
		return NULL;
	p->uid = getuid();
	p->group[0] = getgid();
	groups = getgroups(1 << 16, p->group + 1);
	p->groups = 1 + (groups > 0 ? (uint32_t)groups : 0);
	/* The files are sorted as the helper does it, which never set a locale. */
	c = newlocale(LC_ALL_MASK, "C", NULL);
	before = c ? uselocale(c) : NULL;
	if (c)
		*fault = policy_read(p);
	error = errno;
	if (c) {
		uselocale(before);
		freelocale(c);
	}
	*line = p->line;
	if (!*fault)
		return p;
	policy_unload(p);
	errno = error;
	return NULL;
}

void policy_unload(struct policy *p) {
	if (p)
		munmap(p, sizeof(*p));
}

/* ------------------------------------------------------------------- limits */

static const struct {
	enum caisson_limit limit;
	const char *kind, *unit, *option;
} maxima[] = {
	{ CAISSON_LIMIT_MEMORY, "memory", "bytes of memory", "--memory" },
	{ CAISSON_LIMIT_SWAP, "swap", "bytes of swap", "--swap" },
	{ CAISSON_LIMIT_PIDS, "pids", "processes", "--pids" },
	{ CAISSON_LIMIT_CPU, "cpu", "percent of a processor", "--cpu" },
	{ CAISSON_LIMIT_SECONDS, "seconds", "seconds", "--seconds" },
	{ CAISSON_LIMIT_FILES, "files", "open files of a process", "--files" },
};

bool policy_range(const char *kind, uint64_t *least, uint64_t *most, const char **unit) {
	for (size_t i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++)
		if (!strcmp(kind, maxima[i].kind)) {
			limits_range(maxima[i].limit, least, most);
			*unit = maxima[i].unit;
			return true;
		}
	return false;
}

int policy_channels(const struct policy *p, caisson_channel *const *channel, size_t channels,
                    uint64_t more, caisson_error **err) {
	const struct policy_rule *r = p ? policy_find(p, "channels", NULL) : NULL;
	uint64_t bytes = more;
	char place[512];

	for (size_t i = 0; i < channels; i++)
		bytes += channel_bytes(channel[i]);
	if (!r || bytes <= r->number)
		return 0;
	policy_place(r->line, place, sizeof(place));
	return error_set(err, EACCES, STAGE, place,
	                 "ask for smaller channels (caisson_spec_channel()), or the administrator",
	                 "%llu bytes of channels are asked for, and the policy allows %llu",
	                 (unsigned long long)bytes, (unsigned long long)r->number);
}

int policy_huge(const struct policy *p, caisson_channel *const *channel, size_t channels,
                uint64_t more, caisson_error **err) {
	const struct policy_rule *r = p ? policy_find(p, "hugepages", NULL) : NULL;
	uint64_t bytes = more;
	char place[512] = "set hugepages";

	for (size_t i = 0; i < channels; i++)
		bytes += channel_huge_bytes(channel[i]);
	if (bytes == 0 || (r && bytes <= r->number))
		return 0;
	if (r)
		policy_place(r->line, place, sizeof(place));
	return error_set(err, EACCES, STAGE, place,
	                 "ask for less on huge pages, or the administrator for a line \"set "
	                 "uid:UID hugepages BYTES\" in a file of policy.d",
	                 "%llu bytes of channels on reserved huge pages are asked for, and the "
	                 "policy allows %llu",
	                 (unsigned long long)bytes, (unsigned long long)(r ? r->number : 0));
}

int policy_limits(const struct policy *p, const caisson_spec *spec, struct limits_asked *limits,
                  caisson_error **err) {
	char place[512], advice[96];

	*limits = spec->limits ? *spec->limits : (struct limits_asked){ 0 };
	for (size_t i = 0; p && i < sizeof(maxima) / sizeof(maxima[0]); i++) {
		const struct policy_rule *r = policy_find(p, maxima[i].kind, NULL);
		uint64_t *value = &limits->value[maxima[i].limit], least, most;

		if (!r || r->number == UINT64_MAX)
			continue;
		policy_place(r->line, place, sizeof(place));
		limits_range(maxima[i].limit, &least, &most);
		if (r->number < least)
			return error_set(err, EACCES, STAGE, place, "ask the administrator",
			                 "the policy allows %llu %s, with which no sandbox can run",
			                 (unsigned long long)r->number, maxima[i].unit);
		if (limits_has(limits, maxima[i].limit) && *value > r->number) {
			snprintf(advice, sizeof(advice),
			         "ask for less (%s, caisson_spec_limit()), or the administrator",
			         maxima[i].option);
			return error_set(err, EACCES, STAGE, place, advice,
			                 "%llu %s are asked for, and the policy allows %llu",
			                 (unsigned long long)*value, maxima[i].unit,
			                 (unsigned long long)r->number);
		}
		/* With a limit of memory alone there is no swap: that is less. */
		if (!limits_has(limits, maxima[i].limit) && maxima[i].limit == CAISSON_LIMIT_SWAP &&
		    limits_has(limits, CAISSON_LIMIT_MEMORY))
			continue;
		if (!limits_has(limits, maxima[i].limit))
			*value = r->number < most ? r->number : most;
		limits->set |= 1u << maxima[i].limit;
	}
	for (size_t i = 0; i < spec->channels; i++)
		limits->no_pool |= channel_huge_bytes(spec->channel[i]) > 0;
	if (policy_channels(p, spec->channel, spec->channels, 0, err) < 0)
		return -EACCES;
	return policy_huge(p, spec->channel, spec->channels, 0, err);
}
