/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A record as text. Of a file nothing is sure: what is no plain letter is not shown. */
#define _GNU_SOURCE
#include "log.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "libclient/error.h"
#include "libclient/policy_place.h"
#include "libclient/property.h"
#include "options.h"
#include "policy.h"
#include "protocol/plan.h"

static const char *net_name(int64_t net) {
	static const char *const names[] = { [CAISSON_NET_NONE] = "none",
		                             [CAISSON_NET_LOOPBACK] = "loopback",
		                             [CAISSON_NET_HOST] = "host" };

	return net >= 0 && net < (int64_t)(sizeof(names) / sizeof(names[0])) ? names[net] : "?";
}

static const char *userns_name(int64_t userns) {
	static const char *const names[] = { [CAISSON_USERNS_AUTO] = "auto",
		                             [CAISSON_USERNS_REQUIRED] = "required",
		                             [CAISSON_USERNS_NONE] = "none" };

	return userns >= 0 && userns < (int64_t)(sizeof(names) / sizeof(names[0])) ? names[userns]
	                                                                           : "?";
}

/* In UTC for programs, in local time for people. */
static const char *when(const struct log_record *r, bool json, char text[64]) {
	time_t seconds = (time_t)(r->usec / 1000000);
	struct tm tm;
	size_t n;

	if (r->usec < 0) {
		snprintf(text, 64, "%s", r->time);
	} else if (json && gmtime_r(&seconds, &tm)) {
		n = strftime(text, 64, "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(text + n, 64 - n, ".%06dZ", (int)(r->usec % 1000000));
	} else if (localtime_r(&seconds, &tm)) {
		strftime(text, 64, "%Y-%m-%d %H:%M:%S", &tm);
	} else {
		strcpy(text, "?");
	}
	return text;
}

static void plain(char *text) {
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/* What was required; all that a full sandbox has is one word. */
static void requirements(const struct log_record *r, bool json) {
	uint64_t full = property_full(), left = r->require;
	const char *between = "";

	if (!json && left && (left & full) == full) {
		printf("full");
		between = "+";
		left &= ~full;
	}
	for (int i = 0; i < CAISSON_PROPERTY_COUNT; i++)
		if (left >> i & 1) {
			printf(json ? "%s\"%s\"" : "%s%s", between,
			       caisson_property_name((enum caisson_property)i));
			between = ",";
		}
	if (!json && !r->require)
		printf("nothing");
}

/* Why it failed, in the words that the caller was told; to be freed, NULL if it did not. */
static caisson_error *failure(const struct log_record *r) {
	const struct caisson_answer answer = { .kind = CAISSON_ANSWER_FAILED,
		                               .stage = r->stage,
		                               .knob = r->knob,
		                               .error = (int32_t)r->error,
		                               .detail = r->detail,
		                               .line = r->file << 20 | r->line,
		                               .record = (uint32_t)r->record };
	caisson_error *err = NULL;

	if (*r->decision == 'f')
		error_from_answer(&err, CAISSON_FROM_HELPER, &answer, NULL, NULL);
	return err;
}

static void show_text(const struct log_record *r) {
	char time[64], name[NAME_MAX_LEN], place[512];
	bool denied = *r->decision == 'd';
	caisson_error *err = failure(r);

	printf("%s%s %-8s uid=%" PRIu32, r->verified ? "" : "unverified: ", when(r, false, time),
	       r->decision, r->uid);
	if (name_of_id(false, r->uid, name)) {
		plain(name);
		printf(" (%s)", name);
	}
	printf(" %s: network %s, user namespace %s, required ", r->program, net_name(r->net),
	       userns_name(r->userns));
	requirements(r, false);
	policy_place(r->file << 20 | r->line, place, sizeof(place));
	if (denied && r->line)
		printf("; by %s", place);
	else if (denied)
		printf("; no line of the policy allows it");
	else if (*r->decision == 't')
		printf("; as many run as the policy allows");
	else if (err)
		printf("; %s", caisson_error_message(err));
	caisson_error_free(err);
	if (denied && r->record >= 0)
		printf(", record %" PRId64, r->record);
	if (r->sandbox)
		printf("; sandbox %" PRId64, r->sandbox);
	putchar('\n');
}

static void show_json(const struct log_record *r) {
	bool denied = *r->decision == 'd';
	char time[64], place[512];
	caisson_error *err = failure(r);

	printf("{\"time\":");
	cli_json_string(stdout, when(r, true, time));
	printf(",\"verified\":%s,\"helper\":%" PRIu32 ",\"uid\":%" PRIu32 ",\"program\":",
	       r->verified ? "true" : "false", r->helper, r->uid);
	cli_json_string(stdout, r->program);
	printf(",\"decision\":\"%s\",\"network\":\"%s\",\"userns\":\"%s\",\"required\":[",
	       r->decision, net_name(r->net), userns_name(r->userns));
	requirements(r, true);
	printf("],\"rule\":");
	policy_place(r->file << 20, place, sizeof(place));
	if (denied && r->line) {
		printf("{\"file\":");
		cli_json_string(stdout, place);
		printf(",\"line\":%" PRIu32 "}", r->line);
	} else {
		printf("null");
	}
	if (denied && r->record >= 0)
		printf(",\"record\":%" PRId64, r->record);
	else
		printf(",\"record\":null");
	printf(",\"failure\":");
	if (err)
		cli_json_string(stdout, caisson_error_message(err));
	else
		printf("null");
	caisson_error_free(err);
	if (r->sandbox)
		printf(",\"sandbox\":%" PRId64 "}\n", r->sandbox);
	else
		printf(",\"sandbox\":null}\n");
}

void log_show(const struct log_record *r, bool json) {
	struct log_record copy = *r;

	plain(copy.program);
	plain(copy.time);
	if (json)
		show_json(&copy);
	else
		show_text(&copy);
}
