/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* caisson log: what its parts share. */
#ifndef CAISSON_CLI_LOG_H
#define CAISSON_CLI_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX (64u << 10)

/* One request, as caisson-helper recorded it. */
struct log_record {
	char time[40];   /* of a file: as it stands there */
	int64_t usec;    /* since 1970; -1: not known */
	uint32_t uid;    /* of who asked */
	uint32_t helper; /* its pid */
	char program[256], decision[16];
	int64_t record;      /* of the plan, at which it was decided; -1: none */
	uint32_t file, line; /* of the policy, as policy_place() takes them; 0: no rule */
	int64_t userns, net; /* of the plan; -1: not said */
	uint64_t require;    /* bits of the properties that were required */
	int64_t sandbox;     /* the pid of its init; 0: none */
	uint32_t stage, knob, error, detail; /* of what failed, as in the helper's answer */
	bool verified;                       /* the system says that root's process sent it */
};

/*
 * What a line is: a record; none of caisson-helper's; or one that only looks like it, sent
 * by somebody else.
 */
enum log_kind { LOG_RECORD, LOG_OTHER, LOG_FORGED };

/* The helper's own text: "uid=1000 program="..." decision=...". What is unknown in it is left out. */
bool log_message(const char *text, struct log_record *r);
/* A line of journalctl -o json. The sender's credentials, which the journal has, decide. */
enum log_kind log_journal_line(const char *line, const char *helper, struct log_record *r);
/* A line of a file that a syslog daemon writes: it does not say who sent it. */
enum log_kind log_file_line(const char *line, struct log_record *r);

/* log_show.c: one line for people, or one JSON object. */
void log_show(const struct log_record *r, bool json);

#endif
