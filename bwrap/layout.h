/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the wishes of the command line to what libcaisson is asked for. What
 * bubblewrap does in the new mount namespace with the user's rights to the host's
 * own files (mount points inside read-write binds, --dir, --symlink, --file and
 * --chmod there) is done beforehand, with the same rights.
 */
#ifndef CAISSON_BWRAP_LAYOUT_H
#define CAISSON_BWRAP_LAYOUT_H

#include <sys/stat.h>

#include "args.h"
#include "caisson.h"
#include "tree.h"

enum record_kind {
	RECORD_BIND,
	RECORD_BIND_FD,
	RECORD_TMPFS,
	RECORD_DIR,
	RECORD_FILE,
	RECORD_SYMLINK,
	RECORD_PROC,
	RECORD_DEV,
	RECORD_DEVICE,
	RECORD_MQUEUE,
	RECORD_RDONLY,
};

/* One call of the library's builder. */
struct record {
	enum record_kind kind;
	bool dead;     /* something was put over it */
	bool implicit; /* it came with a root of the host's */
	bool scratch;  /* a directory of the sandbox's own root, to be written to */
	bool ro;
	bool same; /* implicit: on the mount that the root itself is on */
	int fd;
	unsigned mode;
	uint64_t size;
	char *path, *src; /* src: of a bind, device; target of a link */
	char *data;       /* of a file, size bytes */
};

struct policy;

struct layout {
	struct tree tree;
	struct record *record;
	size_t records;
	bool root_ro;
	struct policy *policy; /* as far as the library does what it says; read once it matters */
	bool policy_read;
	char **temporary; /* files of the host's, to be removed once the sandbox has them */
	size_t temporaries;
};

void layout_init(struct layout *l);
void layout_apply(struct layout *l, const struct wish *w);
/* Once all wishes are in. */
void layout_finish(struct layout *l);
void layout_describe(const struct layout *l, caisson_spec *spec);
/* Whatever becomes of the sandbox: nothing of it is left on the host. */
void layout_tidy(struct layout *l);

/* ---------------------------------------------------- what its parts share */

/* layout.c */
struct record *record_add(struct layout *l, enum record_kind kind, const char *path);
/* Nothing of what is at path, or below, can be seen any more: it need not be made. */
void hide(struct layout *l, const char *path);
/* The place of a mount: what was there is hidden, and it is made if it was missing. */
struct node *mount_at(struct layout *l, struct place *p, enum node_kind kind, const struct wish *w);
void make_dir(struct layout *l, struct place *p, unsigned mode, const struct wish *w);
/* All but the last of what is missing. The directory that the last is to be in, its name in *last. */
struct node *make_parents(struct layout *l, struct place *p, const struct wish *w,
                          const char **last);
/* Nothing can be made in it but by the user on the host? */
bool is_host(const struct node *dir);
void do_proc(struct layout *l, struct place *p, const struct wish *w);
void do_dev(struct layout *l, struct place *p, const struct wish *w);

/* source.c */
void do_bind(struct layout *l, const struct wish *w);
void do_bind_fd(struct layout *l, const struct wish *w);
/* expand.c: the root of another tree; the devices of a directory below /dev. */
void expand_root(struct layout *l, const char *src, const struct wish *w);
void expand_devices(struct layout *l, const char *src, const char *dst, const struct wish *w,
                    int depth);

/* content.c: --file, --bind-data, --ro-bind-data, --symlink, --chmod, --lock-file, --remount-ro */
void do_file(struct layout *l, const struct wish *w);
void do_data(struct layout *l, const struct wish *w);
void do_symlink(struct layout *l, const struct wish *w);
void do_chmod(struct layout *l, const struct wish *w);
void do_lock(struct layout *l, const struct wish *w);
void do_remount_ro(struct layout *l, const struct wish *w);

/* kernel.c */
enum source_kind {
	SOURCE_PLAIN,
	SOURCE_PROC,   /* a whole procfs */
	SOURCE_KERNEL, /* another view of the kernel's own state */
	SOURCE_DEV,    /* the host's /dev */
	SOURCE_BELOW,  /* a directory in it, on the same file system */
	SOURCE_DEVICE, /* a device node */
};
enum source_kind source_kind(const char *path, const struct stat *st);
/* One of those that hold nothing of anybody's. */
bool harmless_device(const struct stat *st);

#endif
