/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a spec asks for, as a list of records to be: what contradicts itself ends here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gpu.h"

#define MAX_SECONDS 4611686018 /* half of what the kernel's clocks hold */

static const char STAGE[] = "preparing the plan";

static int borrow_ops(struct ops *to, const struct ops *from) {
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < from->n; i++) {
		struct spec_op op = from->item[i];

		op.borrowed = true;
		rc = ops_add_plain(to, &op);
	}
	return rc;
}

/* What of it works in a user namespace only, in words; NULL: nothing. */
static const char *needs_userns(const caisson_spec *spec) {
	if (spec->ids.op)
		return "another user or group id inside";
	if (spec->subids.op)
		return "a subordinate user id";
	if (spec->time.op)
		return "an offset of the clocks";
	if (spec->seccomp.a == CAISSON_SECCOMP_NESTED)
		return "the seccomp profile nested";
	if (spec->pids_alone)
		return "a number of processes without a cgroup";
	for (size_t i = 0; i < spec->ops.n; i++)
		if (spec->ops.item[i].op == CAISSON_OP_BIND &&
		    spec->ops.item[i].flags & CAISSON_BIND_IDMAP)
			return "an idmapped grant";
	return NULL;
}

/* The default root's procfs makes way for one that the spec has at the same place. */
static bool has_proc(const caisson_spec *spec) {
	for (size_t i = 0; i < spec->ops.n; i++)
		if (spec->ops.item[i].op == CAISSON_OP_PROC &&
		    !strcmp(spec->ops.item[i].name, "/proc"))
			return true;
	return false;
}

static int add_if(struct ops *ops, const struct spec_op *op) {
	return op->op ? ops_add_plain(ops, op) : 0;
}

static int add_named(struct ops *ops, struct spec_op *op, const char *name) {
	op->name = strdup(name);
	return op->name ? ops_add_plain(ops, op) : -ENOMEM;
}

/* Is something else mounted there by then? It is not what was to become read-only. */
static bool covered_later(const struct ops *ops, size_t from) {
	for (size_t i = from + 1; i < ops->n; i++)
		if (ops->item[i].name && !strcmp(ops->item[i].name, ops->item[from].name) &&
		    ops->item[i].op != CAISSON_OP_DIR && ops->item[i].op != CAISSON_OP_RDONLY)
			return true;
	return false;
}

/*
 * A /dev that is a directory of the root's own, root_dev(), is read-only with the root. Made a
 * mount of, it would come with copies of the devices, and close what is to be written to in it.
 */
static bool closed_with_root(const struct ops *ops, size_t at) {
	const char *name = ops->item[at].name;
	bool dir = false;

	for (size_t i = 0; i < at; i++) {
		const struct spec_op *op = &ops->item[i];

		if (op->name && !strcmp(op->name, name))
			dir = op->op == CAISSON_OP_DIR;
	}
	for (size_t i = 0; dir && i < at; i++)
		if (ops->item[i].op == CAISSON_OP_DEVPTS && path_below(ops->item[i].name, name) &&
		    !strchr(name + 1, '/'))
			return true;
	return false;
}

/* What is to come last does. The others keep their order. */
static void sort_last(struct ops *ops) {
	size_t n = ops->n;

	for (size_t i = 0; i < n; i++)
		if (ops->item[i].op == CAISSON_OP_RDONLY && closed_with_root(ops, i))
			ops->item[i].op = CAISSON_OP_DIR;
	for (size_t i = 0; i < n; i++) {
		struct spec_op op = ops->item[i];

		if (!op.last)
			continue;
		if (covered_later(ops, i))
			op.op = CAISSON_OP_DIR; /* which is there: nothing is done */
		memmove(&ops->item[i], &ops->item[i + 1], (ops->n - i - 1) * sizeof(op));
		ops->item[ops->n - 1] = op;
		i--;
		n--;
	}
}

int plan_layout(const caisson_spec *spec, struct ops *ops) {
	int rc = spec->bare ? 0 : root_default(ops, spec->network, !has_proc(spec));

	return rc ? rc : borrow_ops(ops, &spec->ops);
}

/* All records to be, in the order of the plan: what the sandbox is, then what is in it. */
static int collect(const caisson_spec *spec, struct ops *ops) {
	struct spec_op userns = { .op = CAISSON_OP_USERNS, .fd = -1, .a = spec->userns };
	struct spec_op net = { .op = CAISSON_OP_NET, .fd = -1, .a = spec->network };
	struct spec_op name = { .op = CAISSON_OP_HOSTNAME, .fd = -1 };
	struct spec_op label = { .op = CAISSON_OP_LABEL, .fd = -1 };
	struct spec_op ids = spec->ids;
	int rc;

	/* "none" and a required user namespace contradict each other: the helper refuses that. */
	if (spec->userns == CAISSON_USER_NAMESPACE_AUTO &&
	    (spec->require & CAISSON_BIT(USERNS) || needs_userns(spec)))
		userns.a = CAISSON_USERNS_REQUIRED;
	if (ids.a == CAISSON_CALLER_ID)
		ids.a = getuid();
	if (ids.b == CAISSON_CALLER_ID)
		ids.b = getgid();
	rc = ops_add_plain(ops, &userns);
	rc = rc ? rc : ops_add_plain(ops, &net);
	rc = rc ? rc : add_named(ops, &name, spec->hostname ? spec->hostname : "caisson");
	rc = rc ? rc : add_if(ops, &ids);
	rc = rc ? rc : add_if(ops, &spec->subids);
	rc = rc ? rc : add_if(ops, &spec->time);
	rc = rc ? rc : add_if(ops, &spec->seccomp);
	rc = rc || !spec->label ? rc : add_named(ops, &label, spec->label);
	rc = rc ? rc : plan_layout(spec, ops);
	if (spec->gpu)
		rc = rc ? rc : borrow_ops(ops, &spec->gpu->grant.ops);
	sort_last(ops);
	return rc;
}

static int check_once(const struct ops *ops, caisson_error **err) {
	static const uint16_t once[] = { CAISSON_OP_PROC, CAISSON_OP_DEVPTS, CAISSON_OP_MQUEUE };

	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		int n = 0;

		for (size_t j = 0; j < ops->n; j++)
			n += ops->item[j].op == once[i];
		if (n > 1)
			return error_set(err, EINVAL, STAGE, "",
			                 "the default root has /proc and /dev: leave it out "
			                 "(--bare-root), or these; a procfs at /proc takes the "
			                 "place of its own",
			                 "a sandbox has one procfs, one /dev and one mqueue, and "
			                 "a second is asked for");
	}
	return 0;
}

/* As the kernel has it, which says no more than that it is out of range. */
static int check_time(const struct spec_op *time, caisson_error **err) {
	const struct {
		clockid_t id;
		const char *name;
		uint64_t offset;
	} clocks[] = { { CLOCK_MONOTONIC, "monotonic", time->a },
		       { CLOCK_BOOTTIME, "boot", time->b } };

	for (size_t i = 0; time->op && i < 2; i++) {
		int64_t offset = (int64_t)clocks[i].offset;
		struct timespec now;

		if (clock_gettime(clocks[i].id, &now) < 0)
			return error_set(err, errno, STAGE, "", "", "clock_gettime: %s",
			                 strerror(errno));
		if (offset < -(int64_t)now.tv_sec || offset > MAX_SECONDS - (int64_t)now.tv_sec)
			return error_set(err, ERANGE, STAGE, "--time, caisson_spec_time_offsets()",
			                 "give an offset with which it stays between 0 and 146 "
			                 "years",
			                 "the %s clock, at %lld seconds, cannot be set off by "
			                 "%lld",
			                 clocks[i].name, (long long)now.tv_sec, (long long)offset);
	}
	return 0;
}

int plan_collect(const caisson_spec *spec, struct ops *ops, caisson_error **err) {
	const char *why = needs_userns(spec);
	int rc;

	if (why && spec->userns == CAISSON_USER_NAMESPACE_NONE)
		return error_set(err, EINVAL, STAGE, "--userns none, caisson_spec_user_namespace()",
		                 "allow one, or do without",
		                 "%s needs a user namespace, and none shall be made", why);
	if (spec->seccomp.a == CAISSON_SECCOMP_NESTED)
		for (size_t i = 0; i < spec->ops.n; i++)
			if (spec->ops.item[i].op == CAISSON_OP_PROC &&
			    spec->ops.item[i].flags & CAISSON_PROC_PIDS)
				return error_set(
					err, EINVAL, STAGE,
					"--seccomp nested, caisson_spec_seccomp()",
					"leave pids out, or say whole",
					"a procfs of processes only does not stay one with "
					"the profile nested: inside, one with all of it "
					"can be mounted");
	rc = check_time(&spec->time, err);
	if (rc < 0)
		return rc;
	rc = collect(spec, ops);
	if (rc < 0)
		return error_set(err, -rc, STAGE, "", "", "cannot collect the plan: %s",
		                 strerror(-rc));
	return check_once(ops, err);
}

/* What the spec itself grants away. */
uint64_t plan_given_up(const caisson_spec *spec) {
	uint64_t bits = spec->network == CAISSON_NETWORK_HOST ? CAISSON_BIT(NET) : 0;

	if (spec->seccomp.a == CAISSON_SECCOMP_NESTED)
		bits |= CAISSON_BIT(CAPABILITIES) | CAISSON_BIT(HOST_SOCKETS);
	if (spec->landlock != CAISSON_LANDLOCK_FILES)
		bits |= CAISSON_BIT(HOST_SOCKETS);
	for (size_t i = 0; i < spec->ops.n; i++)
		if (spec->ops.item[i].op == CAISSON_OP_BIND &&
		    path_below(spec->ops.item[i].name, "/dev"))
			bits |= CAISSON_BIT(DEV) | CAISSON_BIT(SHM);
	return bits;
}
