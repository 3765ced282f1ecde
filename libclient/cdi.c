/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CDI: from a name to the file that has it. */
#define _GNU_SOURCE
#include "cdi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char STAGE[] = "reading CDI's files";
static const char KNOB[] = "/etc/cdi, /run/cdi";

/* One that the search looks at. */
struct found {
	struct cdi_tree tree;
	uint32_t device; /* 0: not this one */
	char path[128];
	char why[256]; /* it is not believed; "": it is */
};

/* Root's, and nobody else's to write? */
static const char *unbelievable(const struct gpu_grant *g, const struct stat *st) {
	if (!g->real)
		return NULL;
	if (st->st_uid != 0)
		return "it is not root's";
	return st->st_mode & 022 ? "others may write to it" : NULL;
}

/* All of it, into *text; NULL, or why not. */
static const char *read_file(const struct gpu_grant *g, const char *path, char **text,
                             size_t *size) {
	int fd = openat(g->host->at, path + 1,
	                O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *why = NULL;
	struct stat st;
	ssize_t n = 0;

	*text = NULL;
	*size = 0;
	if (fd < 0)
		return errno == ELOOP ? "it is a link" : "it cannot be opened";
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		why = "it is no plain file";
	why = why ? why : unbelievable(g, &st);
	if (!why && st.st_size > CDI_FILE_MAX)
		why = "it is over 1 MiB";
	if (!why && !(*text = malloc((size_t)st.st_size + 1)))
		why = "memory is short";
	while (!why && *size < (size_t)st.st_size &&
	       (n = read(fd, *text + *size, (size_t)st.st_size - *size)) > 0)
		*size += (size_t)n;
	if (!why && n < 0)
		why = "it cannot be read";
	close(fd);
	return why;
}

static bool ends(const char *name, const char *with) {
	size_t len = strlen(name), n = strlen(with);

	return len > n && !strcmp(name + len - n, with);
}

/* Looks for kind and device in a file; f->device or f->why says what came of it. */
static void look(const struct gpu_grant *g, const char *kind, const char *device, struct found *f) {
	const char *why;
	char *text;
	size_t size;

	memset(&f->tree, 0, sizeof(f->tree));
	f->device = 0;
	f->why[0] = '\0';
	why = read_file(g, f->path, &text, &size);
	if (why) {
		snprintf(f->why, sizeof(f->why), "%s", why);
	} else if ((ends(f->path, ".json") ? cdi_json : cdi_yaml)(&f->tree, text, size) < 0) {
		snprintf(f->why, sizeof(f->why), "line %u: %s", f->tree.line,
		         f->tree.why ? f->tree.why : "memory is short");
	} else if (!strcmp(cdi_text(&f->tree, cdi_get(&f->tree, 1, "kind")), kind)) {
		uint32_t i = cdi_first(&f->tree, cdi_get(&f->tree, 1, "devices"));

		while (i && strcmp(cdi_text(&f->tree, cdi_get(&f->tree, i, "name")), device) != 0)
			i = f->tree.value[i].next;
		f->device = i;
	}
	free(text);
}

/* In one folder: 1 with *f, 0, or an error. bad: the first file that was not believed. */
static int search(const struct gpu_grant *g, const char *folder, const char *kind,
                  const char *device, struct found *f, struct found *bad, caisson_error **err) {
	struct gpu_names names;
	struct stat st;
	int found = 0;

	if (fstatat(g->host->at, folder + 1, &st, 0) < 0)
		return 0;
	if (unbelievable(g, &st)) {
		if (!bad->why[0]) {
			snprintf(bad->path, sizeof(bad->path), "%s", folder);
			snprintf(bad->why, sizeof(bad->why), "%s", unbelievable(g, &st));
		}
		return 0;
	}
	gpu_list(g->host->at, folder + 1, &names);
	for (size_t i = 0; i < names.n; i++) {
		struct found here = { .device = 0 };

		if (!ends(names.name[i], ".json") && !ends(names.name[i], ".yaml"))
			continue;
		snprintf(here.path, sizeof(here.path), "%s/%s", folder, names.name[i]);
		look(g, kind, device, &here);
		if (here.device && found) {
			cdi_free(&here.tree);
			return error_set(err, EEXIST, STAGE, KNOB,
			                 "have one of the files removed or written anew",
			                 "%s=%s is in two files, %s and %s", kind, device, f->path,
			                 here.path);
		}
		if (here.why[0] && !bad->why[0])
			*bad = here; /* its strings alone are looked at */
		if (here.device) {
			*f = here;
			found = 1;
		} else {
			cdi_free(&here.tree);
		}
	}
	return found;
}

/* Grants what is in the file that was found. */
static int apply(struct gpu_grant *g, const struct found *f, caisson_error **err) {
	const struct cdi_tree *tree = &f->tree;
	int rc = cdi_edits(g, tree, cdi_get(tree, 1, "containerEdits"), f->path, err);

	return rc ? rc
	          : cdi_edits(g, tree, cdi_get(tree, f->device, "containerEdits"), f->path, err);
}

int cdi_grant(struct gpu_grant *g, const char *name, caisson_error **err) {
	/* What was made since the boot is newer. */
	static const char *const folders[] = { "/run/cdi", "/etc/cdi" };
	struct found f = { .device = 0 }, bad = { .device = 0 };
	const char *device = strchr(name, '=') + 1;
	char kind[GPU_WISH_MAX + 1];
	int rc = 0;

	snprintf(kind, sizeof(kind), "%.*s", (int)(device - 1 - name), name);
	if (!strchr(kind, '/') || !*device || strchr(device, '=') || strchr(device, '/'))
		return error_set(err, EINVAL, STAGE, "--gpu, caisson_spec_gpu()",
		                 "write VENDOR/CLASS=NAME, as nvidia.com/gpu=0",
		                 "\"%s\" is no name of CDI's", name);
	for (size_t i = 0; rc == 0 && i < sizeof(folders) / sizeof(folders[0]); i++)
		rc = search(g, folders[i], kind, device, &f, &bad, err);
	if (rc == 1)
		rc = apply(g, &f, err);
	else if (rc == 0 && bad.why[0])
		rc = error_set(err, ENODEV, STAGE, bad.path,
		               "as root, mend it: nvidia-ctk cdi generate --format=json "
		               "--output=/etc/cdi/nvidia.json",
		               "%s was not found, and %s is not believed: %s", name, bad.path,
		               bad.why);
	else if (rc == 0)
		rc = error_set(err, ENODEV, STAGE, KNOB,
		               "nvidia-ctk cdi list shows the names; as root, nvidia-ctk cdi "
		               "generate makes them",
		               "no file of CDI's has %s", name);
	cdi_free(&f.tree);
	return rc;
}
