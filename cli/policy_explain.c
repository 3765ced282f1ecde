/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caisson policy explain: what would become of a request. The plan is made as
 * caisson run makes it; policy_decide(), which decides in the helper, decides here
 * too, of what can be known of the sources without privilege.
 */
#define _GNU_SOURCE
#include "policy.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "libclient/gpu.h"
#include "libclient/policy_place.h"
#include "libclient/policy_use.h"
#include "options.h"
#include "supervise.h"

struct explain {
	const struct policy *policy;
	struct plan_image plan;
	const struct caisson_plan_header *head;
	bool denied;
};

struct about {
	char fstype[64], own[4 + CAISSON_PLAN_MAX_PATH + 1], node[24];
	struct facts facts;
};

/* The kind of file system that fd is on, by the mount that it was opened in. */
static void fstype_of(int fd, char fstype[64]) {
	char name[48], line[8192], *rest;
	FILE *file;
	int id = -1;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	file = fopen(name, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "mnt_id:", 7))
			id = (int)strtol(line + 7, NULL, 10);
	if (file)
		fclose(file);
	file = fopen("/proc/self/mountinfo", "re");
	while (file && fgets(line, sizeof(line), file)) {
		rest = strstr(line, " - ");
		if (rest && strtol(line, NULL, 10) == id)
			snprintf(fstype, 64, "%.*s", (int)strcspn(rest + 3, " "), rest + 3);
	}
	if (file)
		fclose(file);
}

/* What the helper would find out about the source, as far as rules go. */
static void look(const struct explain *e, const struct caisson_plan_record *r, struct about *a) {
	int fd = e->plan.fd[r->fd];
	char link[32], *path = a->own + 4;
	struct stat st = { 0 };
	ssize_t n;

	memset(a, 0, sizeof(*a));
	memcpy(a->own, "@own", 4);
	fstype_of(fd, a->fstype);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, CAISSON_PLAN_MAX_PATH);
	path[n > 1 ? n : 0] = '\0'; /* of "/" it is "" */
	fstat(fd, &st);
	snprintf(a->node, sizeof(a->node), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	a->facts.fstype = a->fstype;
	a->facts.name[0] = path;
	a->facts.name[1] = r->op == CAISSON_OP_DEVICE    ? a->node
	                   : st.st_uid == e->policy->uid ? a->own
	                                                 : NULL;
}

static void say(const char *decision, const char *what, const struct policy_rule *rule,
                const char *otherwise) {
	char place[512] = "";

	if (rule)
		policy_place(rule->line, place, sizeof(place));
	printf("%-9s ", decision);
	policy_print(what);
	printf("%*s ", strlen(what) < 48 ? 48 - (int)strlen(what) : 0, "");
	policy_print(rule ? place : otherwise);
	putchar('\n');
}

static void decide(struct explain *e, const struct caisson_plan_record *r,
                   const struct facts *facts, const char *what) {
	const struct policy_rule *rule;
	uint32_t knob = policy_decide(e->policy, r, facts, &rule);

	if (!knob && !rule) /* nothing that a policy would have to allow */
		return;
	e->denied |= knob != 0;
	say(knob ? "denied" : "allowed", what, rule,
	    knob == CAISSON_KNOB_SOURCE_FS ? "a view of the kernel's own state is never granted"
	    : e->policy->uid == 0          ? "root gets no sandbox"
	                                   : "no line of the policy allows it");
}

/* A cover of the library's, by which rule? */
static bool cover(const struct explain *e, const struct spec_op *op) {
	for (const struct cover *c = e->plan.covers; c; c = c->next)
		if (&c->op == op) {
			struct policy_rule rule = { .line = c->line };

			say(op->op == CAISSON_OP_MASK ? "covered" : "read-only", op->name, &rule,
			    "");
			return true;
		}
	return false;
}

static void records(struct explain *e) {
	static struct about about;
	static const uint16_t said[] = { CAISSON_OP_USERNS, CAISSON_OP_NET };
	const struct caisson_plan_record *record = (const void *)(e->head + 1);
	const struct policy_rule *most = policy_find(e->policy, "binds", NULL);
	char what[9000];

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		bool there = false;

		for (uint32_t j = 0; j < e->head->records; j++)
			there |= record[j].op == said[i];
		if (!there)
			decide(e, &(struct caisson_plan_record){ .op = said[i] }, &about.facts,
			       said[i] == CAISSON_OP_NET ? "the network none"
			                                 : "the user namespace");
	}
	for (uint32_t i = 0; i < e->head->records; i++) {
		const struct caisson_plan_record *r = &record[i];
		const char *subject = plan_subject(&e->plan, i, what, sizeof(what) - 16);

		if (cover(e, e->plan.sent[i].op))
			continue;
		if (r->fd >= 0 && r->op != CAISSON_OP_FILE)
			look(e, r, &about);
		else if (r->op == CAISSON_OP_LABEL) /* its rules are about its name */
			about.facts = (struct facts){ .name = { e->plan.sent[i].op->name } };
		if (r->op == CAISSON_OP_BIND && !(r->flags & CAISSON_BIND_RDONLY))
			strcat(what, ", read-write");
		decide(e, r, &about.facts, subject ? subject : "?");
	}
	if (most && e->head->fds > most->number) {
		e->denied = true;
		snprintf(what, sizeof(what), "%u sources, where %llu may be", e->head->fds,
		         (unsigned long long)most->number);
		say("denied", what, most, "");
	}
}

static void limits(struct explain *e, const caisson_spec *spec) {
	static const char *const kinds[][2] = { { "memory", "bytes of memory" },
		                                { "swap", "bytes of swap" },
		                                { "channels", "bytes of channels" },
		                                { "pids", "processes" },
		                                { "cpu", "percent of a processor" },
		                                { "seconds", "seconds" },
		                                { "files", "open files of each process" },
		                                { "hugepages",
		                                  "bytes of channels on reserved huge pages" } };
	const struct policy_rule *r;
	struct limits_asked asked;
	caisson_error *err = NULL;
	uint64_t least, most;
	const char *unit;
	char what[128];

	if (policy_limits(e->policy, spec, &asked, &err) < 0) {
		e->denied = true;
		say("denied", caisson_error_message(err), NULL, caisson_error_knob(err));
		caisson_error_free(err);
		return;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		r = policy_find(e->policy, kinds[i][0], NULL);
		if (!r || r->number == UINT64_MAX)
			continue;
		if (!policy_range(kinds[i][0], &least, &most, &unit) || r->number < most)
			most = r->number;
		snprintf(what, sizeof(what), "at most %llu %s", (unsigned long long)most,
		         kinds[i][1]);
		say("limited", what, r, "");
	}
	r = policy_find(e->policy, "groups", NULL);
	if (r && r->number == 'd')
		say("dropped", "supplementary groups", r, "");
}

static int explain(struct explain *e, caisson_spec *spec) {
	caisson_error *err = NULL;
	struct stat st = { 0 };

	if (gpu_prepare(spec, &err) < 0 || plan_build(spec, e->policy, &e->plan, &err) < 0) {
		run_failure(err);
		caisson_error_free(err);
		return EXIT_OWN_FAILURE;
	}
	fstat(e->plan.memfd, &st);
	e->head = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, e->plan.memfd, 0);
	if (e->head == MAP_FAILED) {
		cli_complain("out of memory");
		return EXIT_OWN_FAILURE;
	}
	records(e);
	limits(e, spec);
	munmap((void *)(uintptr_t)e->head, (size_t)st.st_size);
	plan_clear(&e->plan);
	return fflush(stdout) != 0 ? EXIT_OWN_FAILURE : e->denied;
}

int policy_explain(int argc, char **argv) {
	struct run run = { .spec = caisson_spec_new("caisson"),
		           .uid = CAISSON_CALLER_ID,
		           .gid = CAISSON_CALLER_ID };
	int first = argc > 1 && !strcmp(argv[1], "--"), rest, parsed;
	int result = EXIT_OWN_FAILURE;
	struct explain e = { 0 };

	if (!run.spec) {
		cli_complain("out of memory");
		return result;
	}
	parsed = run_parse(&run, argc - first, argv + first, &rest);
	if (parsed > 0) {
		result = 0;
	} else if (parsed == 0 && run.spec->error) {
		run_failure(run.spec->error);
	} else if (parsed == 0) {
		struct policy *p = policy_open("explain");

		e.policy = p;
		result = p ? explain(&e, run.spec) : 1;
		policy_unload(p);
	}
	caisson_spec_free(run.spec);
	return result;
}
