/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy's files. They count only if nobody but root can have written them:
 * whatever else is found there ends the request.
 */
#include "policy.h"

#include <glob.h>

#define DIR CAISSON_POLICY_DIR

/* One file into p; or only a look at one of the directories that they are in. */
static uint32_t read_one(struct policy *p, const char *name, mode_t type) {
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *text = p->text + p->used;
	ssize_t n = 0;
	struct stat st;
	bool good;

	if (fd < 0)
		return CAISSON_POLICY_OPEN;
	good = !fstat(fd, &st) && (st.st_mode & (S_IFMT | 022)) == type && st.st_uid == 0;
	while (good && type == S_IFREG &&
	       (n = read(fd, p->text + p->used, sizeof(p->text) - p->used)) > 0)
		p->used += (uint32_t)n;
	close(fd);
	if (!good || n < 0)
		return good ? CAISSON_POLICY_OPEN : CAISSON_POLICY_OWNER;
	if (p->used == sizeof(p->text)) /* no room for more, or for the NUL */
		return CAISSON_POLICY_SIZE;
	p->text[p->used++] = '\0';
	return policy_parse(p, text, (size_t)(p->text + p->used - 1 - text));
}

uint32_t policy_read(struct policy *p) {
	static const char *const first[] = { DIR "/policy.conf", DIR, DIR "/policy.d" };
	glob_t more = { 0 }; /* sorted by bytes: no locale was set */
	uint32_t fault = 0;
	int none;

	for (uint32_t i = 0; !fault && i < 3 + more.gl_pathc; i++) {
		p->line = i << 20;
		fault = read_one(p, i < 3 ? first[i] : more.gl_pathv[i - 3],
		                 i == 1 || i == 2 ? S_IFDIR : S_IFREG);
		if (i == 2 && fault == CAISSON_POLICY_OPEN && errno == ENOENT)
			return 0;
		none = i == 2 && !fault ? glob(DIR "/policy.d/*.conf", GLOB_ERR, NULL, &more) : 0;
		if (none != 0 && none != GLOB_NOMATCH)
			fault = CAISSON_POLICY_OPEN;
	}
	globfree(&more);
	return fault;
}
