/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of options, and what each does. What is wrong is said with
 * bubblewrap's own words, for which callers look. docs/man/caisson-bwrap.1 lists
 * every option.
 */
#define _GNU_SOURCE
#include "options.h"
#include "say.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TMPFS (SIZE_MAX >> 1)

int option_fd(struct args *a, const char *text) {
	char *end;
	long fd = strtol(text, &end, 10);

	if (!*text || *end || fd < 0 || fd > INT32_MAX)
		die("Invalid fd: %s", text);
	a->named.fd = need_room(a->named.fd, a->named.n, sizeof(int));
	a->named.fd[a->named.n++] = (int)fd;
	return (int)fd;
}

static struct wish *add(struct args *a, const struct option *o, enum wish_kind kind) {
	struct wish *w;

	a->wish = need_room(a->wish, a->wishes, sizeof(*a->wish));
	w = &a->wish[a->wishes++];
	*w = (struct wish){ .kind = kind, .fd = -1, .perms = a->next_perms, .size = a->next_size };
	w->option = o->name;
	return w;
}

/* ------------------------------------------------------------- the file system */

enum { RO = 1, DEV = 2, TRY = 4 };

static void bind_path(struct args *a, const struct option *o, char **v) {
	struct wish *w = add(a, o, WISH_BIND);

	w->ro = o->set & RO;
	w->dev = o->set & DEV;
	w->try = o->set & TRY;
	w->src = v[0];
	w->dst = v[1];
}

/* FD DEST */
static void from_fd(struct args *a, const struct option *o, char **v) {
	struct wish *w = add(a, o, (enum wish_kind)(o->set >> 8));

	w->ro = o->set & RO;
	w->fd = option_fd(a, v[0]);
	w->dst = v[1];
}

/* DEST */
static void at_place(struct args *a, const struct option *o, char **v) {
	add(a, o, (enum wish_kind)o->set)->dst = v[0];
}

static void make_symlink(struct args *a, const struct option *o, char **v) {
	struct wish *w = add(a, o, WISH_SYMLINK);

	w->src = v[0];
	w->dst = v[1];
}

static int octal(const char *option, const char *text) {
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (!*text || *end || mode > 07777)
		die("%s takes an octal argument <= 07777", option);
	return (int)mode;
}

static void change_mode(struct args *a, const struct option *o, char **v) {
	struct wish *w = add(a, o, WISH_CHMOD);

	w->perms = octal("--chmod", v[0]);
	w->dst = v[1];
}

static void next_perms(struct args *a, const struct option *o, char **v) {
	if (a->next_perms != -1)
		die("%s given twice for the same action", o->name);
	a->next_perms = octal("--perms", v[0]);
}

static void next_size(struct args *a, const struct option *o, char **v) {
	unsigned long long size;
	char *end;

	if (a->next_size)
		die("%s given twice for the same action", o->name);
	errno = 0;
	size = strtoull(v[0], &end, 0);
	if (errno || !isdigit((unsigned char)v[0][0]) || *end || size == 0)
		die("--size takes a non-zero number of bytes");
	if (size > MAX_TMPFS)
		die("--size (for tmpfs) is limited to %zu", MAX_TMPFS);
	a->next_size = size;
}

static void no_overlay(struct args *a, const struct option *o, char **v) {
	(void)a;
	(void)v;
	die("The %s option is not permitted in setuid mode: an overlay is mounted by root over "
	    "files of the user's, which has been the way out of sandboxes; caisson-bwrap(1) says "
	    "what to do instead",
	    o->name);
}

/* -------------------------------------------------------------------- settings */

static void set_flag(struct args *a, const struct option *o, char **v) {
	(void)v;
	*(bool *)((char *)a + o->set) = true;
}

/* It is so in any case. */
static void always(struct args *a, const struct option *o, char **v) {
	(void)a;
	(void)o;
	(void)v;
}

static void unshare_all(struct args *a, const struct option *o, char **v) {
	(void)v;
	a->unshare_pid = a->unshare_uts = true;
	a->unshare_net = o->set;
}

static void share_net(struct args *a, const struct option *o, char **v) {
	(void)o;
	(void)v;
	a->unshare_net = false;
}

static void only_last(const struct option *o, bool again) {
	if (again)
		warn("Only the last %s option will take effect", o->name);
}

static void set_text(struct args *a, const struct option *o, char **v) {
	const char **field = (const char **)((char *)a + o->set);

	only_last(o, *field);
	*field = v[0];
}

static void set_fd(struct args *a, const struct option *o, char **v) {
	int *field = (int *)((char *)a + o->set);

	only_last(o, *field != -1);
	*field = option_fd(a, v[0]);
}

static void set_argv0(struct args *a, const struct option *o, char **v) {
	if (a->argv0)
		die("%s used multiple times", o->name);
	a->argv0 = v[0];
}

static void set_id(struct args *a, const struct option *o, char **v) {
	int64_t *field = (int64_t *)((char *)a + o->set);
	char *end;
	long id = strtol(v[0], &end, 10);

	only_last(o, *field != -1);
	if (!*v[0] || *end || id < 0 || id >= UINT32_MAX)
		die("Invalid %s: %s", o->name + 2, v[0]);
	*field = id;
}

static void add_filter(struct args *a, const struct option *o, char **v) {
	if (a->more_filters)
		die("--seccomp cannot be combined with --add-seccomp-fd");
	only_last(o, a->one_filter);
	a->one_filter = true;
	a->seccomp.fd = need_room(a->seccomp.fd, 0, sizeof(int));
	a->seccomp.fd[0] = option_fd(a, v[0]);
	a->seccomp.n = 1;
}

static void add_one_more(struct args *a, const struct option *o, char **v) {
	if (a->one_filter)
		die("%s cannot be combined with --seccomp", o->name);
	a->more_filters = true;
	a->seccomp.fd = need_room(a->seccomp.fd, a->seccomp.n, sizeof(int));
	a->seccomp.fd[a->seccomp.n++] = option_fd(a, v[0]);
}

static void change_caps(struct args *a, const struct option *o, char **v) {
	int cap = cap_number(v[0]);
	uint64_t caps = cap < 0 ? UINT64_MAX : UINT64_C(1) << cap;

	if (cap < 0 && strcasecmp(v[0], "ALL") != 0)
		die("unknown cap: %s", v[0]);
	if (o->set)
		a->caps_added |= caps;
	else
		a->caps_added &= ~caps;
}

static void set_env(struct args *a, const struct option *o, char **v) {
	(void)o;
	env_set(a, v[0], v[1]);
}

static void unset_env(struct args *a, const struct option *o, char **v) {
	(void)o;
	env_unset(a, v[0]);
}

static void clear_env(struct args *a, const struct option *o, char **v) {
	(void)o;
	(void)v;
	env_clear(a);
}

static void prefix_level(struct args *a, const struct option *o, char **v) {
	(void)a;
	(void)o;
	(void)v;
	say_level = true;
}

#define FD_OF(KIND) ((uint64_t)(KIND) << 8)
#define FLAG(FIELD) set_flag, offsetof(struct args, FIELD)
#define TEXT(FIELD) set_text, offsetof(struct args, FIELD)
#define FD(FIELD) set_fd, offsetof(struct args, FIELD)

static const struct option options[] = {
	{ "--level-prefix", 0, 0, prefix_level, 0 },
	{ "--argv0", 1, ONE, set_argv0, 0 },
	{ "--unshare-all", 0, 0, unshare_all, 1 },
	{ "--unshare-user", 0, 0, FLAG(unshare_user) },
	{ "--unshare-user-try", 0, 0, always, 0 },
	{ "--unshare-ipc", 0, 0, always, 0 },
	{ "--unshare-pid", 0, 0, FLAG(unshare_pid) },
	{ "--unshare-net", 0, 0, FLAG(unshare_net) },
	{ "--unshare-uts", 0, 0, FLAG(unshare_uts) },
	{ "--unshare-cgroup", 0, 0, always, 0 },
	{ "--unshare-cgroup-try", 0, 0, always, 0 },
	{ "--share-net", 0, 0, share_net, 0 },
	{ "--chdir", 1, ONE, TEXT(chdir) },
	{ "--disable-userns", 0, 0, FLAG(disable_userns) },
	{ "--assert-userns-disabled", 0, 0, always, 0 },
	{ "--remount-ro", 1, ONE, at_place, WISH_REMOUNT_RO },
	{ "--bind", 2, 0, bind_path, 0 },
	{ "--bind-try", 2, 0, bind_path, TRY },
	{ "--dev-bind", 2, 0, bind_path, DEV },
	{ "--dev-bind-try", 2, 0, bind_path, DEV | TRY },
	{ "--ro-bind", 2, 0, bind_path, RO },
	{ "--ro-bind-try", 2, 0, bind_path, RO | TRY },
	{ "--bind-fd", 2, 0, from_fd, FD_OF(WISH_BIND_FD) },
	{ "--ro-bind-fd", 2, 0, from_fd, FD_OF(WISH_BIND_FD) | RO },
	{ "--overlay-src", 1, 0, no_overlay, 0 },
	{ "--overlay", 3, 0, no_overlay, 0 },
	{ "--tmp-overlay", 1, 0, no_overlay, 0 },
	{ "--ro-overlay", 1, 0, no_overlay, 0 },
	{ "--proc", 1, 0, at_place, WISH_PROC },
	{ "--exec-label", 1, 0, TEXT(exec_label) },
	{ "--file-label", 1, 0, TEXT(file_label) },
	{ "--dev", 1, 0, at_place, WISH_DEV },
	{ "--tmpfs", 1, PERMS | SIZE, at_place, WISH_TMPFS },
	{ "--mqueue", 1, 0, at_place, WISH_MQUEUE },
	{ "--dir", 1, PERMS, at_place, WISH_DIR },
	{ "--file", 2, PERMS, from_fd, FD_OF(WISH_FILE) },
	{ "--bind-data", 2, PERMS, from_fd, FD_OF(WISH_DATA) },
	{ "--ro-bind-data", 2, PERMS, from_fd, FD_OF(WISH_DATA) | RO },
	{ "--symlink", 2, 0, make_symlink, 0 },
	{ "--lock-file", 1, 0, at_place, WISH_LOCK },
	{ "--sync-fd", 1, 0, FD(sync_fd) },
	{ "--block-fd", 1, 0, FD(block_fd) },
	{ "--userns-block-fd", 1, 0, FD(userns_block_fd) },
	{ "--info-fd", 1, 0, FD(info_fd) },
	{ "--json-status-fd", 1, 0, FD(status_fd) },
	{ "--seccomp", 1, 0, add_filter, 0 },
	{ "--add-seccomp-fd", 1, 0, add_one_more, 0 },
	{ "--userns", 1, 0, FD(userns_fd) },
	{ "--userns2", 1, 0, FD(userns2_fd) },
	{ "--pidns", 1, 0, FD(pidns_fd) },
	{ "--clearenv", 0, 0, clear_env, 0 },
	{ "--setenv", 2, 0, set_env, 0 },
	{ "--unsetenv", 1, 0, unset_env, 0 },
	{ "--uid", 1, 0, set_id, offsetof(struct args, uid) },
	{ "--gid", 1, 0, set_id, offsetof(struct args, gid) },
	{ "--hostname", 1, 0, TEXT(hostname) },
	{ "--new-session", 0, 0, always, 0 },
	{ "--die-with-parent", 0, 0, FLAG(die_with_parent) },
	{ "--as-pid-1", 0, 0, FLAG(as_pid_1) },
	{ "--cap-add", 1, 0, change_caps, 1 },
	{ "--cap-drop", 1, 0, change_caps, 0 },
	{ "--perms", 1, MODIFIER, next_perms, 0 },
	{ "--size", 1, MODIFIER, next_size, 0 },
	{ "--chmod", 2, 0, change_mode, 0 },
	{ "--not-a-security-boundary", 0, 0, always, 0 },
	{ "--caisson-seccomp", 1, 0, TEXT(seccomp_profile) },
	{ "--caisson-landlock", 1, 0, TEXT(landlock) },
	{ "--caisson-report", 1, 0, TEXT(report) },
};

const struct option *option_find(const char *name) {
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}
