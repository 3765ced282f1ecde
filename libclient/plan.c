/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a spec to the bytes of a plan and the descriptors it names. Sources are
 * opened here, at spawn, with the caller's own rights.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"
#include "memory.h"

static const char STAGE[] = "preparing the plan";

struct writer {
	struct caisson_plan_header head;
	struct caisson_plan_record *record;
	char *names;
	size_t names_room;
	uint32_t records_room;
};

/* Where text now stands in the name area, or -errno. */
static int64_t put_name(struct writer *w, const char *text)
{
	size_t len = strlen(text) + 1;
	uint32_t at = w->head.names;

	if (at + len > CAISSON_PLAN_MAX_NAMES)
		return -E2BIG;
	if (at + len > w->names_room) {
		size_t room = 2 * (at + len) + 1024;
		char *more = realloc(w->names, room);

		if (!more)
			return -ENOMEM;
		w->names = more;
		w->names_room = room;
	}
	memcpy(w->names + at, text, len);
	w->head.names += (uint32_t)len;
	return at;
}

static int put_record(struct writer *w, struct plan_image *plan, const struct spec_op *op,
                      int32_t fd)
{
	struct spec_op copy = { .op = op->op, .fd = -1 };
	struct caisson_plan_record *r;
	int64_t name = 0, target = 0;

	if (w->head.records == w->records_room) {
		uint32_t room = 2 * w->records_room + 64;

		r = room > CAISSON_PLAN_MAX_RECORDS + 64 ? NULL
		                                         : realloc(w->record, room * sizeof(*r));
		if (!r)
			return room > CAISSON_PLAN_MAX_RECORDS + 64 ? -E2BIG : -ENOMEM;
		w->record = r;
		w->records_room = room;
	}
	if (op->name)
		name = put_name(w, op->name);
	if (op->target)
		target = put_name(w, op->target);
	if (name < 0 || target < 0)
		return (int)(name < 0 ? name : target);
	r = &w->record[w->head.records++];
	*r = (struct caisson_plan_record){ .op = op->op,
		                           .flags = op->flags,
		                           .fd = fd,
		                           .name = (uint32_t)name,
		                           .name_len = op->name ? (uint32_t)strlen(op->name) : 0,
		                           .a = op->target ? (uint64_t)target : op->a,
		                           .b = op->target ? strlen(op->target) : op->b };
	copy.name = op->name ? strdup(op->name) : NULL;
	copy.source = op->source ? strdup(op->source) : NULL;
	return ops_add_plain(&plan->sent, &copy);
}

static int source_failed(caisson_error **err, const struct spec_op *op, int error)
{
	const char *remedy = error == ENOENT ? "check the path; CAISSON_OPTIONAL leaves a missing "
	                                       "source out"
	                     : error == EACCES
	                             ? "a sandbox is granted nothing its user cannot reach: "
	                               "give the user access, or grant another path"
	                     : error == EMFILE ? "raise the limit of open files (ulimit -n)"
	                                       : "";

	return error_set(err, error, "opening a source", error == EMFILE ? "RLIMIT_NOFILE" : "",
	                 remedy, "cannot open %s, to be %s in the sandbox: %s",
	                 op->source ? op->source : "the given descriptor", op->name,
	                 strerror(error));
}

/*
 * 0 with *fd, or 1 if it is optional and not there. A local file that is
 * neither a directory nor a regular file nor a socket is refused by the helper.
 */
static int open_source(struct spec_op *op, int *fd, caisson_error **err)
{
	struct stat st;
	char link[32];

	if (op->source) {
		*fd = open(op->source, O_PATH | O_CLOEXEC);
	} else { /* the plan carries O_PATH only, whatever the caller's descriptor can do */
		snprintf(link, sizeof(link), "/proc/self/fd/%d", op->fd);
		*fd = open(link, O_PATH | O_CLOEXEC);
	}
	if (*fd < 0)
		return op->optional && errno == ENOENT ? 1 : source_failed(err, op, errno);
	if (fstat(*fd, &st) < 0) {
		int error = errno;

		close(*fd);
		return source_failed(err, op, error);
	}
	if (op->op == CAISSON_OP_BIND && S_ISDIR(st.st_mode))
		op->flags |= CAISSON_BIND_DIR;
	return 0;
}

/*
 * The helper makes one directory at a time: a record for each parent that no
 * record before it stands for. Where a granted tree has the directory already,
 * such a record does nothing.
 */
static bool parent_is_there(const struct plan_image *plan, const char *parent, size_t len)
{
	for (size_t i = plan->sent.n; i-- > 0;) {
		const struct spec_op *op = &plan->sent.item[i];
		size_t n = op->op >= 16 ? strlen(op->name) : 0;

		if (n >= len && !strncmp(op->name, parent, len) &&
		    (op->name[len] == '\0' || op->name[len] == '/'))
			return true;
		/* something was put over an ancestor since: what lay below is hidden */
		if (n && n < len && !strncmp(op->name, parent, n) && parent[n] == '/' &&
		    op->op != CAISSON_OP_DIR)
			return false;
	}
	return false;
}

static int put_parents(struct writer *w, struct plan_image *plan, const struct spec_op *op)
{
	struct spec_op dir = { .op = CAISSON_OP_DIR, .fd = -1, .b = 0755 };
	int rc = 0;

	for (const char *at = op->name + 1; rc == 0 && (at = strchr(at, '/')); at++) {
		size_t len = (size_t)(at - op->name);

		if (parent_is_there(plan, op->name, len))
			continue;
		dir.name = strndup(op->name, len);
		rc = dir.name ? put_record(w, plan, &dir, -1) : -ENOMEM;
		free(dir.name);
	}
	return rc;
}

static int put_ops(struct writer *w, struct plan_image *plan, caisson_error **err)
{
	int rc = 0;

	plan->fd = calloc(plan->ops.n + 1, sizeof(int));
	if (!plan->fd)
		return error_set(err, ENOMEM, STAGE, "", "", "out of memory");
	for (size_t i = 0; i < plan->ops.n; i++) {
		struct spec_op *op = &plan->ops.item[i];
		int32_t index = -1;

		if (op->op == CAISSON_OP_BIND || op->op == CAISSON_OP_DEVICE) {
			rc = open_source(op, &plan->fd[plan->fds], err);
			if (rc < 0)
				return rc;
			if (rc == 1)
				continue;
			index = (int32_t)plan->fds++;
		}
		if (op->op >= 16)
			rc = put_parents(w, plan, op);
		rc = rc ? rc : put_record(w, plan, op, index);
		if (rc < 0)
			return error_set(err, -rc, STAGE, "", "grant fewer paths",
			                 "the plan is too large: %s", strerror(-rc));
	}
	return 0;
}

static int copy_ops(struct ops *to, const struct ops *from)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < from->n; i++)
		rc = ops_add(to, &from->item[i]);
	return rc;
}

/* All records to be, in the order of the plan: what the sandbox is, then what is in it. */
static int collect(const caisson_spec *spec, struct ops *ops)
{
	struct spec_op userns = { .op = CAISSON_OP_USERNS, .fd = -1, .a = spec->userns };
	struct spec_op net = { .op = CAISSON_OP_NET, .fd = -1, .a = spec->network };
	int rc;

	/* "none" and a required user namespace contradict each other: the helper refuses that. */
	if (spec->userns == CAISSON_USER_NAMESPACE_AUTO && (spec->require & CAISSON_BIT(USERNS)))
		userns.a = CAISSON_USERNS_REQUIRED;
	rc = ops_add_plain(ops, &userns);
	rc = rc ? rc : ops_add_plain(ops, &net);
	if (rc == 0) {
		struct spec_op name = { .op = CAISSON_OP_HOSTNAME, .fd = -1 };

		name.name = strdup(spec->hostname ? spec->hostname : "caisson");
		rc = name.name ? ops_add_plain(ops, &name) : -ENOMEM;
	}
	if (!spec->bare)
		rc = rc ? rc : root_default(ops, spec->network);
	return rc ? rc : copy_ops(ops, &spec->ops);
}

static int check_once(const struct ops *ops, caisson_error **err)
{
	int procs = 0, devs = 0;

	for (size_t i = 0; i < ops->n; i++) {
		procs += ops->item[i].op == CAISSON_OP_PROC;
		devs += ops->item[i].op == CAISSON_OP_DEVPTS;
	}
	if (procs <= 1 && devs <= 1)
		return 0;
	return error_set(err, EINVAL, STAGE, "",
	                 "the default root has them: leave it out (--bare-root), or these",
	                 "a sandbox has one procfs and one /dev, and a second is asked for");
}

/* What the spec itself grants away. */
static uint64_t given_up(const caisson_spec *spec)
{
	uint64_t bits = spec->network == CAISSON_NETWORK_HOST ? CAISSON_BIT(NET) : 0;

	for (size_t i = 0; i < spec->ops.n; i++)
		if (spec->ops.item[i].op == CAISSON_OP_BIND &&
		    (!strcmp(spec->ops.item[i].name, "/dev") ||
		     !strncmp(spec->ops.item[i].name, "/dev/", 5)))
			bits |= CAISSON_BIT(DEV) | CAISSON_BIT(SHM);
	return bits;
}

static int seal(const struct writer *w, int *memfd)
{
	const struct {
		const void *data;
		size_t size;
	} part[] = { { &w->head, sizeof(w->head) },
		     { w->record, w->head.records * sizeof(*w->record) },
		     { w->names, w->head.names } };
	int fd = memory_new("caisson-plan", w->head.size);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < 3; i++)
		if (write(fd, part[i].data, part[i].size) != (ssize_t)part[i].size)
			goto fail;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		goto fail;
	*memfd = fd;
	return 0;
fail:
	close(fd);
	return -EIO;
}

int plan_build(const caisson_spec *spec, struct plan_image *plan, caisson_error **err)
{
	struct writer w = { .head = { .magic = CAISSON_PLAN_MAGIC,
		                      .version = CAISSON_PLAN_VERSION } };
	int rc;

	memset(plan, 0, sizeof(*plan));
	plan->memfd = -1;
	rc = collect(spec, &plan->ops);
	if (rc < 0) {
		error_set(err, -rc, STAGE, "", "", "cannot collect the plan: %s", strerror(-rc));
		goto out;
	}
	rc = check_once(&plan->ops, err);
	rc = rc ? rc : put_ops(&w, plan, err);
	if (rc < 0)
		goto out;
	w.head.fds = (uint32_t)plan->fds;
	w.head.size =
		(uint32_t)(sizeof(w.head) + w.head.records * sizeof(*w.record)) + w.head.names;
	plan->given_up = given_up(spec);
	if (spec->require & plan->given_up) {
		rc = error_set(
			err, EINVAL, STAGE, "--require, caisson_spec_require()",
			"do not require it, or do not grant it",
			"the property \"%s\" is required, and given up by what is granted",
			caisson_property_name(__builtin_ctzll(spec->require & plan->given_up)));
		goto out;
	}
	w.head.require = (property_full() & ~plan->given_up) | spec->require;
	rc = seal(&w, &plan->memfd);
	if (rc < 0)
		error_set(err, -rc, STAGE, "memfd_create", "", "cannot write the plan: %s",
		          strerror(-rc));
out:
	free(w.record);
	free(w.names);
	if (rc < 0)
		plan_clear(plan);
	return rc;
}

void plan_clear(struct plan_image *plan)
{
	for (size_t i = 0; i < plan->fds; i++)
		close(plan->fd[i]);
	free(plan->fd);
	ops_clear(&plan->ops);
	ops_clear(&plan->sent);
	if (plan->memfd >= 0)
		close(plan->memfd);
	memset(plan, 0, sizeof(*plan));
	plan->memfd = -1;
}

const char *plan_subject(const struct plan_image *plan, uint32_t record, char *buf, size_t size)
{
	const struct spec_op *op;

	if (record >= plan->sent.n)
		return NULL;
	op = &plan->sent.item[record];
	switch (op->op) {
	case CAISSON_OP_BIND:
	case CAISSON_OP_DEVICE:
		snprintf(buf, size, "%s at %s", op->source ? op->source : "a descriptor", op->name);
		break;
	case CAISSON_OP_NET:
		snprintf(buf, size, "the network");
		break;
	case CAISSON_OP_USERNS:
		snprintf(buf, size, "the user namespace");
		break;
	default:
		snprintf(buf, size, "%s", op->name ? op->name : "the plan");
		break;
	}
	return buf;
}
