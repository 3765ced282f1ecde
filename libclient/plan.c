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
#include <sys/uio.h>
#include <unistd.h>

#include "denials.h"
#include "internal.h"
#include "memory.h"
#include "policy_use.h"

static const char STAGE[] = "preparing the plan";

struct writer {
	struct caisson_plan_header head;
	struct caisson_plan_record *record;
	char *names;
	size_t names_room;
	uint32_t records_room;
	const struct policy *policy;
};

/* Where text, of len bytes, now stands in the name area, or -errno. */
static int64_t put_name(struct writer *w, const char *text, size_t len) {
	uint32_t at = w->head.names;

	if (at + len + 1 > CAISSON_PLAN_MAX_NAMES)
		return -E2BIG;
	if (!w->names || at + len + 1 > w->names_room) {
		size_t room = 2 * (at + len) + 1024;
		char *more = realloc(w->names, room);

		if (!more)
			return -ENOMEM;
		w->names = more;
		w->names_room = room;
	}
	memcpy(w->names + at, text, len);
	w->names[at + len] = '\0';
	w->head.names += (uint32_t)len + 1;
	return at;
}

/* Room for one record more, and for what it is about. */
static int grow(struct writer *w, struct plan_image *plan) {
	uint32_t room = 2 * w->records_room + 40;
	struct caisson_plan_record *record;
	struct sent *sent;

	if (w->head.records < w->records_room)
		return 0;
	if (w->head.records >= CAISSON_PLAN_MAX_RECORDS)
		return -E2BIG;
	record = realloc(w->record, room * sizeof(*record));
	if (!record)
		return -ENOMEM;
	w->record = record;
	sent = realloc(plan->sent, room * sizeof(*sent));
	if (!sent)
		return -ENOMEM;
	plan->sent = sent;
	w->records_room = room;
	return 0;
}

/* r, under the first len bytes of op's name: less than all of them is a parent of it. */
static int put_record(struct writer *w, struct plan_image *plan, struct caisson_plan_record r,
                      const struct spec_op *op, size_t len) {
	int rc = grow(w, plan);
	int64_t name = rc == 0 && len ? put_name(w, op->name, len) : rc;

	if (name < 0)
		return (int)name;
	r.name = (uint32_t)name;
	r.name_len = (uint32_t)len;
	w->record[w->head.records++] = r;
	plan->sent[plan->records++] = (struct sent){ op, r.op, len };
	return 0;
}

static int put_op(struct writer *w, struct plan_image *plan, const struct spec_op *op, int32_t fd) {
	struct caisson_plan_record r = {
		.op = op->op, .flags = op->flags, .fd = fd, .a = op->a, .b = op->b
	};

	if (op->target) {
		int64_t target = put_name(w, op->target, strlen(op->target));

		if (target < 0)
			return (int)target;
		r.a = (uint64_t)target;
		r.b = strlen(op->target);
	}
	return put_record(w, plan, r, op, op->name ? strlen(op->name) : 0);
}

static int source_failed(caisson_error **err, const struct spec_op *op, int error) {
	const char *remedy = error == ENOENT ? "check the path"
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
static int open_source(struct spec_op *op, int *fd, caisson_error **err) {
	struct stat st;
	char link[32];

	if (op->op == CAISSON_OP_FILE) { /* its content is read, not it that is mounted */
		*fd = fcntl(op->fd, F_DUPFD_CLOEXEC, 3);
	} else if (op->source) {
		/* musl's open() would set the flag a second time */
		*fd = openat(AT_FDCWD, op->source, O_PATH | O_CLOEXEC);
	} else { /* the plan carries O_PATH only, whatever the caller's descriptor can do */
		snprintf(link, sizeof(link), "/proc/self/fd/%d", op->fd);
		*fd = open(link, O_PATH | O_CLOEXEC);
	}
	if (*fd < 0)
		return op->optional && errno == ENOENT ? 1 : source_failed(err, op, errno);
	if (op->op != CAISSON_OP_BIND)
		return 0;
	if (fstat(*fd, &st) < 0) {
		int error = errno;

		close(*fd);
		return source_failed(err, op, error);
	}
	if (S_ISDIR(st.st_mode))
		op->flags |= CAISSON_BIND_DIR;
	return 0;
}

/*
 * The helper makes one directory at a time: a record for each parent that no
 * record before it stands for. Where a granted tree has the directory already,
 * such a record does nothing.
 */
static bool parent_is_there(const struct plan_image *plan, const char *parent, size_t len) {
	for (size_t i = plan->records; i-- > 0;) {
		const struct sent *sent = &plan->sent[i];
		const char *name = sent->op->name;
		size_t n = sent->what >= 16 ? sent->len : 0;

		/* these make nothing */
		if (sent->what == CAISSON_OP_RDONLY || sent->what == CAISSON_OP_MASK)
			continue;
		if (n >= len && !strncmp(name, parent, len) && (n == len || name[len] == '/'))
			return true;
		/* something was put over an ancestor since: what lay below is hidden */
		if (n && n < len && !strncmp(name, parent, n) && parent[n] == '/' &&
		    sent->what != CAISSON_OP_DIR)
			return false;
	}
	return false;
}

static int put_parents(struct writer *w, struct plan_image *plan, const struct spec_op *op) {
	const struct caisson_plan_record dir = { .op = CAISSON_OP_DIR, .fd = -1, .b = 0755 };
	int rc = 0;

	for (const char *at = op->name + 1; rc == 0 && (at = strchr(at, '/')); at++)
		if (!parent_is_there(plan, op->name, (size_t)(at - op->name)))
			rc = put_record(w, plan, dir, op, (size_t)(at - op->name));
	return rc;
}

struct cover_writer {
	struct covers covers;
	struct writer *w;
	struct plan_image *plan;
	const struct spec_op *in;
	int failed;
};

static int too_large(int rc, caisson_error **err) {
	return error_set(err, -rc, STAGE, "", "grant fewer paths", "the plan is too large: %s",
	                 strerror(-rc));
}

static int put_cover(struct covers *covers, const char *rest, uint16_t op, uint32_t line) {
	struct cover_writer *to = (struct cover_writer *)covers;
	const char *at = to->in->name;
	size_t len = strlen(at) + strlen(rest);
	struct cover *cover;

	/* Two rules may deny the same; a mask is more than read-only. */
	for (cover = to->plan->covers; cover && cover->in == to->in; cover = cover->next)
		if (!strcmp(cover->name + strlen(at), rest) &&
		    (cover->op.op == op || cover->op.op == CAISSON_OP_MASK))
			return 0;
	cover = len > CAISSON_PLAN_MAX_PATH ? NULL : calloc(1, sizeof(*cover) + len + 1);
	if (!cover)
		return to->failed = len > CAISSON_PLAN_MAX_PATH ? -ENAMETOOLONG : -ENOMEM;
	stpcpy(stpcpy(cover->name, at), rest);
	cover->op = (struct spec_op){ .op = op, .fd = -1, .name = cover->name };
	cover->in = to->in;
	cover->line = line;
	cover->next = to->plan->covers;
	to->plan->covers = cover;
	return to->failed = put_op(to->w, to->plan, &cover->op, -1);
}

/* What the policy denies in the tree that was just put. */
static int put_covers(struct writer *w, struct plan_image *plan, const struct spec_op *op, int tree,
                      caisson_error **err) {
	struct cover_writer to = { .covers = { put_cover, w->policy,
		                               !(op->flags & CAISSON_BIND_RDONLY) },
		                   .w = w,
		                   .plan = plan,
		                   .in = op };
	int rc;

	if (!w->policy || op->op != CAISSON_OP_BIND || !(op->flags & CAISSON_BIND_DIR))
		return 0;
	rc = policy_covers(&to.covers, tree, err);
	return to.failed < 0 ? too_large(to.failed, err) : rc;
}

static int put_ops(struct writer *w, struct plan_image *plan, caisson_error **err) {
	int rc = 0;

	plan->fd = calloc(plan->ops.n + 1, sizeof(int));
	if (!plan->fd)
		return error_set(err, ENOMEM, STAGE, "", "", "out of memory");
	for (size_t i = 0; i < plan->ops.n; i++) {
		struct spec_op *op = &plan->ops.item[i];
		int32_t index = -1;

		if (op->op == CAISSON_OP_BIND || op->op == CAISSON_OP_DEVICE ||
		    op->op == CAISSON_OP_FILE) {
			rc = open_source(op, &plan->fd[plan->fds], err);
			if (rc < 0)
				return rc;
			if (rc == 1)
				continue;
			index = (int32_t)plan->fds++;
		}
		if (op->op >= 16 && op->op != CAISSON_OP_RDONLY && op->op != CAISSON_OP_MASK)
			rc = put_parents(w, plan, op);
		rc = rc ? rc : put_op(w, plan, op, index);
		if (rc < 0)
			return too_large(rc, err);
		rc = index < 0 ? 0 : put_covers(w, plan, op, plan->fd[index], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int seal(const struct writer *w, int *memfd) {
	const struct iovec part[] = { { (void *)(uintptr_t)&w->head, sizeof(w->head) },
		                      { w->record, w->head.records * sizeof(*w->record) },
		                      { w->names, w->head.names } };
	int fd = memory_new("caisson-plan", w->head.size);

	if (fd < 0)
		return fd;
	if (writev(fd, part, 3) != (ssize_t)w->head.size)
		goto fail;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		goto fail;
	*memfd = fd;
	return 0;
fail:
	close(fd);
	return -EIO;
}

int plan_build(const caisson_spec *spec, const struct policy *policy, struct plan_image *plan,
               caisson_error **err) {
	struct writer w = { .head = { .magic = CAISSON_PLAN_MAGIC,
		                      .version = CAISSON_PLAN_VERSION },
		            .policy = policy };
	int rc;

	memset(plan, 0, sizeof(*plan));
	plan->memfd = -1;
	rc = plan_collect(spec, &plan->ops, err);
	rc = rc ? rc : put_ops(&w, plan, err);
	if (rc < 0)
		goto out;
	w.head.fds = (uint32_t)plan->fds;
	w.head.size =
		(uint32_t)(sizeof(w.head) + w.head.records * sizeof(*w.record)) + w.head.names;
	plan->given_up = plan_given_up(spec);
	if (spec->require & plan->given_up) {
		rc = error_set(
			err, EINVAL, STAGE, "--require, caisson_spec_require()",
			"do not require it, or do not ask for what gives it up",
			"the property \"%s\" is required, and given up by what is asked for",
			caisson_property_name(__builtin_ctzll(spec->require & plan->given_up)));
		goto out;
	}
	/* Limits are the library's to set, and to refuse without. */
	w.head.require =
		(property_full() & ~plan->given_up) | (spec->require & ~CAISSON_BIT(LIMITS));
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

void plan_clear(struct plan_image *plan) {
	for (size_t i = 0; i < plan->fds; i++)
		close(plan->fd[i]);
	free(plan->fd);
	ops_clear(&plan->ops);
	for (struct cover *next; plan->covers; plan->covers = next) {
		next = plan->covers->next;
		free(plan->covers);
	}
	free(plan->sent);
	if (plan->memfd >= 0)
		close(plan->memfd);
	memset(plan, 0, sizeof(*plan));
	plan->memfd = -1;
}

const char *plan_subject(const struct plan_image *plan, uint32_t record, char *buf, size_t size) {
	const struct sent *sent;

	if (record >= plan->records)
		return NULL;
	sent = &plan->sent[record];
	switch (sent->what) {
	case CAISSON_OP_BIND:
	case CAISSON_OP_DEVICE:
		snprintf(buf, size, "%s at %s",
		         sent->op->source ? sent->op->source : "a descriptor", sent->op->name);
		break;
	case CAISSON_OP_NET:
		snprintf(buf, size, "the network %s",
		         sent->op->a == CAISSON_NET_HOST       ? "host"
		         : sent->op->a == CAISSON_NET_LOOPBACK ? "loopback"
		                                               : "none");
		break;
	case CAISSON_OP_USERNS:
		snprintf(buf, size, "the user namespace");
		break;
	case CAISSON_OP_IDS:
	case CAISSON_OP_SUBIDS:
		snprintf(buf, size, "user %llu, group %llu %s", (unsigned long long)sent->op->a,
		         (unsigned long long)sent->op->b,
		         sent->what == CAISSON_OP_IDS ? "inside" : "outside");
		break;
	case CAISSON_OP_TIME:
		snprintf(buf, size, "the clocks' offsets");
		break;
	case CAISSON_OP_LABEL:
		snprintf(buf, size, "the label %s", sent->op->name);
		break;
	case CAISSON_OP_SECCOMP:
		snprintf(buf, size, "the seccomp profile %s%s", seccomp_profile_name(sent->op->a),
		         sent->op->b ? ", with denials explained" : "");
		break;
	default:
		snprintf(buf, size, "%.*s", (int)sent->len, sent->op->name);
		break;
	}
	return buf;
}
