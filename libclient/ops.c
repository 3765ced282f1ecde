/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists that a spec and a plan are made of: records to be, and strings. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define MAX_OPS 2048 /* policy allows fewer binds; the format 1,280 records */

char *canonical_path(const char *path) {
	char *out, *to;

	errno = EINVAL;
	if (!path || path[0] != '/' || strlen(path) > CAISSON_PLAN_MAX_PATH)
		return NULL;
	out = to = malloc(strlen(path) + 1);
	if (!out)
		return NULL;
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && !strncmp(path, "..", 2)) {
			free(out);
			errno = EINVAL;
			return NULL;
		}
		if (n > 0 && !(n == 1 && *path == '.')) {
			*to++ = '/';
			memcpy(to, path, n);
			to += n;
		}
		path += n + (path[n] == '/');
	}
	*to = '\0';
	if (to == out) {
		free(out);
		errno = EINVAL;
		return NULL;
	}
	return out;
}

bool path_below(const char *path, const char *name) {
	size_t len = strlen(name);

	return !strncmp(path, name, len) && (path[len] == '\0' || path[len] == '/');
}

static void op_clear(struct spec_op *op) {
	if (op->borrowed)
		return;
	free(op->source);
	free(op->name);
	free(op->target);
	if (op->fd >= 0)
		close(op->fd);
}

int ops_add_plain(struct ops *ops, const struct spec_op *op) {
	struct spec_op own = *op;

	if (ops->n == ops->room) {
		size_t room = ops->room ? 2 * ops->room : 32;
		struct spec_op *more =
			room > MAX_OPS ? NULL : realloc(ops->item, room * sizeof(*more));

		if (!more) {
			op_clear(&own);
			return room > MAX_OPS ? -E2BIG : -ENOMEM;
		}
		ops->item = more;
		ops->room = room;
	}
	ops->item[ops->n++] = own;
	return 0;
}

int ops_add(struct ops *ops, const struct spec_op *op) {
	struct spec_op copy = *op;
	int error = 0;

	copy.borrowed = false;
	copy.name = canonical_path(op->name);
	if (!copy.name)
		error = errno;
	copy.source = op->source ? strdup(op->source) : NULL;
	copy.target = op->target ? strdup(op->target) : NULL;
	if ((op->source && !copy.source) || (op->target && !copy.target))
		error = ENOMEM;
	copy.fd = op->fd >= 0 ? fcntl(op->fd, F_DUPFD_CLOEXEC, 3) : -1;
	if (op->fd >= 0 && copy.fd < 0)
		error = errno;
	if (error) {
		op_clear(&copy);
		return -error;
	}
	return ops_add_plain(ops, &copy);
}

void ops_clear(struct ops *ops) {
	for (size_t i = 0; i < ops->n; i++)
		op_clear(&ops->item[i]);
	free(ops->item);
	memset(ops, 0, sizeof(*ops));
}

int strings_add(struct strings *list, char *owned) {
	if (!owned)
		return -ENOMEM;
	if (list->n + 1 >= list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		char **more = realloc(list->item, room * sizeof(*more));

		if (!more) {
			free(owned);
			return -ENOMEM;
		}
		list->item = more;
		list->room = room;
	}
	list->item[list->n++] = owned;
	list->item[list->n] = NULL;
	return 0;
}

void strings_clear(struct strings *list) {
	for (size_t i = 0; i < list->n; i++)
		free(list->item[i]);
	free(list->item);
	memset(list, 0, sizeof(*list));
}
