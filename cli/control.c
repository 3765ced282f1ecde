/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "control.h"
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

/* -------------------------------------------------------------- the socket */

/* Nobody listens to it any more: whoever made it was killed. dir is locked. */
static int replace_stale(int dir, const char *name) {
	struct stat st;
	int s = link_connect(dir, name);

	if (s >= 0)
		close(s);
	if (s < 0 && errno == ECONNREFUSED && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISSOCK(st.st_mode))
		return unlinkat(dir, name, 0);
	errno = EEXIST;
	return -1;
}

static int listen_in(struct control *c) {
	struct sockaddr_un address;
	int on = 1, tries = 5, rc = -1;
	struct stat st;

	c->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listener < 0 || link_lock(c->dir) < 0)
		return -1;
	link_address(c->dir, c->name, &address);
	while (tries-- > 0 &&
	       (rc = bind(c->listener, (struct sockaddr *)&address, sizeof(address))) < 0 &&
	       errno == EADDRINUSE && replace_stale(c->dir, c->name) == 0)
		;
	/* Credentials from the first message on: a socket that is accepted has this from its listener. */
	if (rc == 0)
		rc = setsockopt(c->listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	if (rc == 0)
		rc = listen(c->listener, 16);
	if (rc == 0)
		rc = fstatat(c->dir, c->name, &st, AT_SYMLINK_NOFOLLOW);
	c->inode = rc == 0 ? st.st_ino : 0;
	flock(c->dir, LOCK_UN);
	return rc;
}

int control_open(struct control *c, const char *name) {
	const char *why = "";
	int tries = 5, rc;

	*c = (struct control){ .name = name, .dir = -1, .listener = -1 };
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		c->client[i].s = -1;
	if (!name)
		return 0;
	do { /* the last one there removes the directory */
		control_close(c);
		c->dir = link_dir(true, &why);
		rc = c->dir < 0 ? -1 : listen_in(c);
	} while (rc < 0 && errno == ENOENT && --tries > 0);
	if (rc == 0)
		return 0;
	if (c->dir < 0)
		cli_complain("run: --name %s: %s (%s)", name, why, strerror(errno));
	else if (errno == EEXIST)
		cli_complain("run: --name %s: there is one of that name; see caisson ps", name);
	else
		cli_complain("run: --name %s: cannot listen in XDG_RUNTIME_DIR/caisson: %s", name,
		             strerror(errno));
	control_close(c);
	return -1;
}

static void leave(struct control_client *client) {
	caisson_program_free(client->program); /* ends with whoever asked for it */
	if (client->s >= 0)
		close(client->s);
	if (client->s >= 0 && client->peer.pidfd >= 0)
		close(client->peer.pidfd);
	*client = (struct control_client){ .s = -1 };
}

void control_close(struct control *c) {
	struct stat st;
	int top;

	for (int i = 0; i < CONTROL_CLIENTS; i++)
		leave(&c->client[i]);
	/* While it is still listened to: nobody else has taken the name. */
	if (c->inode && fstatat(c->dir, c->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == c->inode)
		unlinkat(c->dir, c->name, 0);
	top = c->dir < 0 ? -1 : openat(c->dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top >= 0) {
		unlinkat(top, "caisson", AT_REMOVEDIR); /* unless somebody else is there */
		close(top);
	}
	if (c->listener >= 0)
		close(c->listener);
	if (c->dir >= 0)
		close(c->dir);
	c->listener = c->dir = -1;
	c->inode = 0;
}

/* ------------------------------------------------------------- the clients */

static struct control_client *place(struct control *c) {
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (c->client[i].s < 0)
			return &c->client[i];
	return NULL;
}

static void welcome_in(struct control *c) {
	struct control_client *client = place(c);
	struct sockaddr_un from;
	socklen_t size = sizeof(from);
	int s;

	if (!client)
		return;
	s = accept4(c->listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (s < 0)
		return;
	client->s = s;
	client->until = now_ms() + LINK_TIMEOUT_MS;
	if (link_peer(s, &client->peer) < 0)
		leave(client); /* who is in a sandbox learns nothing, not even this */
}

static int greet(struct control *c, struct control_client *client,
                 const struct link_message *said) {
	struct link_message m;

	link_message(&m, LINK_WELCOME);
	memcpy(m.echo, said->nonce, sizeof(m.echo));
	strcpy(m.name, c->name);
	if (!link_nonce(client->nonce))
		return -1;
	memcpy(m.nonce, client->nonce, sizeof(m.nonce));
	client->state = CLIENT_GREETED;
	client->until = now_ms() + LINK_TIMEOUT_MS;
	return link_send(client->s, &m, NULL);
}

static int answer(struct control_client *client, enum link_kind kind, int value) {
	struct link_message m;

	link_message(&m, kind);
	m.value = value;
	return link_send(client->s, &m, NULL);
}

/* Init takes a malformed message for the end: only what is well-formed goes there. */
static int check_start(const struct link_message *said, const int *fds) {
	int seals = fcntl(fds[CAISSON_START_FD_ARGS], F_GET_SEALS);

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || said->start.args > CAISSON_START_MAX_ARGS ||
	    said->start.argc == 0 ||
	    1ull + said->start.argc + said->start.envc > CAISSON_START_MAX_STRINGS)
		return EPROTO;
	for (int i = 0; i < LINK_FDS; i++)
		if (fds[i] < 0)
			return EPROTO;
	return 0;
}

static int execute(struct control_client *client, const struct link_message *said, const int *fds,
                   caisson_sandbox *box) {
	struct start start = { .head = { .magic = CAISSON_CONTROL_MAGIC,
		                         .version = CAISSON_CONTROL_VERSION,
		                         .flags = said->start.flags & CAISSON_START_FILES,
		                         .args = said->start.args,
		                         .argc = said->start.argc,
		                         .envc = said->start.envc,
		                         .fds = LINK_FDS } };
	struct link_message m;
	caisson_program *p = NULL;
	int error = check_start(said, fds);

	memcpy(start.fd, fds, LINK_FDS * sizeof(int));
	if (error == 0)
		p = program_start(box, &start, &error);
	if (!p) {
		answer(client, LINK_FAILED, error);
		return -1;
	}
	client->program = p;
	client->state = CLIENT_RUNS;
	if (p->state != PROGRAM_FAILED)
		return answer(client, LINK_RUNNING, 0);
	link_message(&m, LINK_FAILED);
	m.why = p->why;
	link_send(client->s, &m, NULL);
	return -1;
}

/* -1: the client is to be left. */
static int hear(struct control *c, struct control_client *client, caisson_sandbox *box) {
	struct link_message said = { .magic = 0 };
	struct ucred sender;
	int fds[LINK_FDS], rc = -1;

	if (link_receive(client->s, &said, &sender, fds) < 0)
		return errno == EAGAIN ? 0 : -1;
	if (client->state == CLIENT_FRESH && said.kind == LINK_HELLO)
		rc = greet(c, client, &said);
	else if (client->state == CLIENT_GREETED && said.kind == LINK_EXEC &&
	         memcmp(said.echo, client->nonce, sizeof(said.echo)) == 0 &&
	         link_peer_sent(&client->peer, &sender))
		rc = execute(client, &said, fds, box);
	else if (client->state == CLIENT_RUNS && said.kind == LINK_SIGNAL)
		rc = caisson_program_kill(client->program, said.value) == -EINVAL ? -1 : 0;
	link_close_fds(fds);
	return rc;
}

nfds_t control_poll(const struct control *c, struct pollfd *fds, int *timeout) {
	bool room = false;

	*timeout = -1;
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		fds[1 + i] = (struct pollfd){ .fd = c->client[i].s, .events = POLLIN };
		room |= c->client[i].s < 0;
		if (c->client[i].s >= 0 && c->client[i].state != CLIENT_RUNS)
			*timeout = LINK_TIMEOUT_MS / 10;
	}
	fds[0] = (struct pollfd){ .fd = room ? c->listener : -1, .events = POLLIN };
	return CONTROL_POLL;
}

void control_serve(struct control *c, const struct pollfd *fds, caisson_sandbox *box) {
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &c->client[i];

		if (client->s >= 0 && fds[1 + i].revents && hear(c, client, box) < 0)
			leave(client);
		if (client->s >= 0 && client->state != CLIENT_RUNS && now_ms() > client->until)
			leave(client);
	}
	if (fds[0].revents)
		welcome_in(c);
}

void control_tell(struct control *c) {
	int status;

	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &c->client[i];

		if (client->program &&
		    caisson_program_wait(client->program, 0, &status, NULL) == 0) {
			answer(client, LINK_EXITED, status);
			leave(client);
		}
	}
}
