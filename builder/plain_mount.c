/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mount calls of Linux 5.2 and 5.12, by mount(2). What is detached there is kept in a
 * tmpfs of ours here, one place for each, in a mount namespace that nobody's mounts lead
 * into; and it is moved from there. /proc/fs, below which no kernel has anything to grant,
 * is where the tmpfs lies. A place is named by descriptor, through /proc/self/fd, so that
 * no path is walked twice; only mounts that lie below another are found by path.
 */
#include "plain.h"

#define STAGE "/proc/fs"
#define MAX_BELOW 8192
#define FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define OLD_MS_NOSYMFOLLOW 256u
#define OLD_IDMAP 0x100000u /* MOUNT_ATTR_IDMAP */

static int stage = -1;
static unsigned places;
static bool pivoted;
/* In which place a tree of this process lies, for its child: [descriptor - sources]. */
static struct kept {
	int fd;
	unsigned place;
} kept[CAISSON_PLAN_MAX_FDS];
static unsigned n_kept;

/* A file system that is not made yet, or that waits for where it is to lie. */
static struct fresh {
	char type[16], options[160];
	unsigned attr;
	int fd; /* its mount; or -1 */
} fresh = { .fd = -1 };

/* ------------------------------------------------------------------------- mount(2) */

/* With names below the procfs, which no path leads to in the end. */
static int mount_at(const char *from, const char *to, const char *type, unsigned long flags,
                    const char *options) {
	int rc, error;

	if (fchdir(plain_proc()) < 0)
		return -1;
	rc = mount(from, to, type, flags, options);
	error = errno;
	if (chdir("/") < 0)
		return -1;
	errno = error;
	return rc;
}

static int make_stage(void) {
	if (stage >= 0)
		return 0;
	if (mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700,size=4m") < 0)
		return -1;
	stage = open(STAGE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return stage < 0 ? -1 : 0;
}

struct place {
	unsigned number;
	char name[16], path[80]; /* in the stage, and below the procfs */
};

static int new_place(struct place *place, bool dir) {
	if (make_stage() < 0)
		return -1;
	place->number = places++;
	snprintf(place->name, sizeof(place->name), "%u", place->number);
	snprintf(place->path, sizeof(place->path), "%s/%s", plain_name("fd", stage).text,
	         place->name);
	return dir ? mkdirat(stage, place->name, 0700)
	           : mknodat(stage, place->name, S_IFREG | 0600, 0);
}

static int open_place(unsigned number) {
	char name[16];

	snprintf(name, sizeof(name), "%u", number);
	return openat(stage, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* -------------------------------------------------------------------------- the calls */

int plain_open_tree(int fd, unsigned flags) {
	struct sys_stat st = { 0 };
	struct place place;
	int tree;

	/* What is not known to be anything else is a directory: FUSE does not tell everybody. */
	plain_stat(fd, &st);
	if (new_place(&place, !st.mode || S_ISDIR(st.mode)) < 0 ||
	    mount_at(plain_name("fd", fd).text, place.path, NULL,
	             MS_BIND | (flags & SYS_AT_RECURSIVE ? (unsigned)MS_REC : 0), NULL) < 0)
		return -1;
	tree = open_place(place.number);
	if (tree >= 0 && getpid() != 1 && n_kept < CAISSON_PLAN_MAX_FDS)
		kept[n_kept++] = (struct kept){ tree, place.number };
	return tree;
}

void plain_child(void) {
	close(stage);
	stage = n_kept ? open(STAGE, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	for (unsigned i = 0; i < n_kept; i++) {
		int tree = open_place(kept[i].place);

		if (tree < 0 || dup3(tree, kept[i].fd, O_CLOEXEC) < 0)
			fail(errno, CAISSON_KNOB_NONE, 0);
		close(tree);
	}
}

void plain_pivoted(void) {
	pivoted = true;
}

int plain_move_mount(int from, int to_dir, const char *to) {
	char path[CAISSON_PLAN_MAX_PATH + 64];

	if (to_dir == AT_FDCWD)
		snprintf(path, sizeof(path), "%s", to);
	else
		snprintf(path, sizeof(path), "%s%s%s", plain_name("fd", to_dir).text,
		         *to ? "/" : "", to);
	if (from == fresh.fd && pivoted) {
		fresh.fd = -1;
		return mount_at(fresh.type, path, fresh.type, fresh.attr, fresh.options);
	}
	return mount_at(plain_name("fd", from).text, path, NULL, MS_MOVE, NULL);
}

/* A descriptor that stands for nothing, to be closed. */
static int token(void) {
	return fcntl(0, F_DUPFD_CLOEXEC, 3);
}

int plain_fsopen(const char *type) {
	fresh = (struct fresh){ .attr = MS_NOSUID, .fd = -1 };
	snprintf(fresh.type, sizeof(fresh.type), "%s", type);
	return token();
}

/* Of all file systems procfs alone is refused later than the others, with its mount. */
static bool is_proc(void) {
	return !strcmp(fresh.type, "proc");
}

static int mount_fresh(void) {
	struct place place;

	if (new_place(&place, true) < 0 ||
	    mount_at(fresh.type, place.path, fresh.type, fresh.attr, fresh.options) < 0)
		return -1;
	fresh.fd = open_place(place.number);
	return fresh.fd;
}

int plain_fsconfig(unsigned what, const char *key, const char *value) {
	size_t have = strlen(fresh.options);

	if (what == 1) { /* SET_STRING */
		snprintf(fresh.options + have, sizeof(fresh.options) - have, "%s%s%s%s",
		         have ? "," : "", key, value ? "=" : "", value ? value : "");
		return 0;
	}
	return is_proc() || pivoted || mount_fresh() >= 0 ? 0 : -1;
}

/* ------------------------------------------------------------------- flags of a mount */

/* As mountinfo has them. point: unescaped. */
static struct below {
	int id, parent;
	unsigned flags;
	char *point;
	bool in; /* of the tree in question */
} list[MAX_BELOW];
static unsigned n_list;
static char text[1u << 22];

static unsigned flags_of(char *options) {
	unsigned flags = 0;

	for (char *word; (word = strsep(&options, ","));)
		flags |= !strcmp(word, "ro")            ? MS_RDONLY
		         : !strcmp(word, "nosuid")      ? MS_NOSUID
		         : !strcmp(word, "nodev")       ? MS_NODEV
		         : !strcmp(word, "noexec")      ? MS_NOEXEC
		         : !strcmp(word, "nosymfollow") ? OLD_MS_NOSYMFOLLOW
		                                        : 0u;
	return flags;
}

/* "\040" and its kind become what they stand for. */
static void unescape(char *s) {
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && s[1] && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static bool read_mountinfo(void) {
	int fd = openat(plain_proc(), "self/mountinfo", O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n = -1;

	while (fd >= 0 && have < sizeof(text) - 1 &&
	       (n = read(fd, text + have, sizeof(text) - 1 - have)) > 0)
		have += (size_t)n;
	if (fd >= 0)
		close(fd);
	text[have] = '\0';
	return n == 0;
}

/* All mounts of this namespace that can be seen. */
static int list_mounts(void) {
	char *rest = text, *line, *field[6];

	if (!read_mountinfo())
		return -1;
	for (n_list = 0; (line = strsep(&rest, "\n")) && *line; n_list++) {
		int i = 0;

		while (i < 6 && (field[i] = strsep(&line, " ")))
			i++;
		errno = E2BIG;
		if (i < 6 || n_list == MAX_BELOW)
			return -1;
		unescape(field[4]);
		list[n_list] = (struct below){ (int)strtol(field[0], NULL, 10),
			                       (int)strtol(field[1], NULL, 10), flags_of(field[5]),
			                       field[4], false };
	}
	return 0;
}

/* The mount of that id and, if recursive, what lies below it: marked. */
static struct below *mark(int id, bool recursive) {
	struct below *top = NULL, *end = list + n_list;

	for (struct below *m = list; m < end; m++)
		if (m->id == id)
			top = m;
	if (top)
		top->in = true;
	for (bool more = top && recursive; more;) {
		more = false;
		for (struct below *m = list; m < end; m++)
			for (const struct below *p = list; p < end && !m->in; p++)
				if (p->in && p != m && p->id == m->parent)
					more = m->in = true;
	}
	return top;
}

bool plain_mount_root(int fd, mode_t mode) {
	char path[CAISSON_PLAN_MAX_PATH + 1];
	int id = plain_mount_id(fd), above = -1, of_above = 0;
	ssize_t n;

	if (S_ISDIR(mode)) {
		above = openat(fd, "..", O_PATH | O_CLOEXEC);
		if (above >= 0) {
			of_above = plain_mount_id(above);
			close(above);
		}
		return of_above && of_above != id;
	}
	n = readlinkat(plain_proc(), plain_name("fd", fd).text, path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = '\0';
	if (list_mounts() < 0)
		return false;
	for (const struct below *m = list; m < list + n_list; m++)
		if (m->id == id)
			return !strcmp(m->point, path);
	return false;
}

/* Flags that are not repeated would be cleared; the kernel keeps those of access times. */
static int add_flags(int fd, unsigned has, unsigned set) {
	return mount_at(NULL, plain_name("fd", fd).text, NULL,
	                MS_REMOUNT | MS_BIND | has | (set & FLAGS), NULL);
}

/*
 * One that lies below. What hides under another mount cannot be reached: then it is
 * mount_setattr() that is missing, which alone could.
 */
static int add_below(const struct below *m, unsigned set) {
	int fd = plain_straight(m->point, 0), rc = -1;

	if (fd >= 0 && plain_mount_id(fd) == m->id)
		rc = add_flags(fd, m->flags, set);
	else
		errno = ENOSYS;
	if (fd >= 0)
		close(fd);
	return rc;
}

int plain_mount_setattr(int fd, unsigned flags, const uint64_t attr[4]) {
	bool recursive = flags & SYS_AT_RECURSIVE;
	const unsigned set = (unsigned)attr[0];
	const struct below *top;

	if (fd < 0) { /* is there such a call? */
		errno = EBADF;
		return -1;
	}
	if (mount_at(NULL, plain_name("fd", fd).text, NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    list_mounts() < 0)
		return -1;
	top = mark(plain_mount_id(fd), recursive);
	errno = ENOSYS;
	if (!top || set & OLD_IDMAP || add_flags(fd, top->flags, set) < 0)
		return -1;
	for (const struct below *m = list; m < list + n_list; m++)
		if (m->in && m != top && add_below(m, set) < 0)
			return -1;
	return 0;
}

int plain_fsmount(unsigned attr) {
	int fd;

	fresh.attr = attr;
	if (pivoted) {
		fresh.fd = token();
		return fresh.fd;
	}
	if (is_proc())
		return mount_fresh();
	fd = fresh.fd;
	fresh.fd = -1;
	return fd < 0 || attr == MS_NOSUID || add_flags(fd, MS_NOSUID, attr) == 0 ? fd : -1;
}
