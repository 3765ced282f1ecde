/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a spec to a running sandbox: plan, helper, "built", "running". On any
 * failure the helper and the sandbox's init are reaped and every descriptor is
 * closed.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "denials.h"
#include "gpu.h"
#include "limits_impl.h"
#include "names.h"
#include "process.h"

int receive_answer(int socket, int flags, struct caisson_answer *answer, int *pidfd) {
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { answer, sizeof(*answer) };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = control.space,
		              .msg_controllen = sizeof(control.space) };
	struct cmsghdr *c;
	int reset = 0;
	ssize_t n;

	*pidfd = -1;
	/*
	 * A peer that ended with something of ours unread (START, a signal) leaves
	 * one ECONNRESET, which comes before what it had answered.
	 */
	do
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | flags);
	while (n < 0 && (errno == EINTR || (errno == ECONNRESET && !reset++)));
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return -EPIPE;
	if (n < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(pidfd, CMSG_DATA(c), sizeof(int));
	if (n != sizeof(*answer) || answer->magic != CAISSON_ANSWER_MAGIC ||
	    answer->version != CAISSON_ANSWER_VERSION)
		return -EPROTO;
	return 0;
}

/* A call without which the helper builds nothing, whatever is asked of it. */
static bool kernel_too_old(uint32_t number) {
	const struct name_call *call = name_call(number);

	return call && call->helper;
}

/* Is this refusal about the program and the host, and not about what is asked for? */
static bool is_closed(const struct builder *by, const struct caisson_answer *why) {
	if (by->via == CAISSON_VIA_HELPER)
		return why->knob == CAISSON_KNOB_NOT_SETUID ||
		       why->knob == CAISSON_KNOB_NO_NEW_PRIVS ||
		       why->knob == CAISSON_KNOB_CAPABILITY ||
		       (why->knob == CAISSON_KNOB_KERNEL && kernel_too_old(why->detail));
	return why->stage == CAISSON_STAGE_USERNS || why->stage == CAISSON_STAGE_NAMESPACES ||
	       why->knob == CAISSON_KNOB_PROC || why->knob == CAISSON_KNOB_IDMAP ||
	       why->knob == CAISSON_KNOB_SUBIDS ||
	       (why->stage == CAISSON_STAGE_POLICY &&
	        (why->knob == CAISSON_KNOB_PROPERTY || why->knob == CAISSON_KNOB_LABEL));
}

/*
 * The next answer. Whoever was to give it may be gone while somebody else (a
 * child of another thread, say) still holds the other end of the socket.
 */
static int next_answer(int socket, int helper, int init, struct caisson_answer *answer, int *fd) {
	int process = init >= 0 ? init : helper, rc;
	struct pollfd fds[2] = { { .fd = socket, .events = POLLIN },
		                 { .fd = process_pollable(process), .events = POLLIN } };

	/* What cannot be polled is looked at now and then. */
	do
		rc = poll(fds, 2, fds[1].fd < 0 ? 100 : -1);
	while ((rc < 0 && errno == EINTR) || (rc == 0 && !process_ended(process)));
	rc = receive_answer(socket, MSG_DONTWAIT, answer, fd);
	return rc == -EAGAIN ? -EPIPE : rc;
}

void spec_about(const caisson_spec *spec, const struct caisson_answer *answer,
                struct error_about *about) {
	about->subject = about->remedy = NULL;
	if (answer->knob == CAISSON_KNOB_STDIO)
		start_refused(spec, answer->detail, about);
	else if (answer->knob == CAISSON_KNOB_CWD)
		about->subject = spec->cwd;
	else if (answer->stage == CAISSON_STAGE_EXEC)
		about->subject = spec->argv.item[0];
}

/*
 * "cloned" from the helper; "built" and "running", or "failed", from init, which
 * may be faster: in any order. *pidfd: of init, if there is one. *silent: the result, if there
 * was no answer, of which only how the process ended may tell why.
 */
static int await_running(int socket, int running, const caisson_spec *spec,
                         const struct plan_image *plan, struct builder *by,
                         struct caisson_answer *built, struct denials *denials, int *pidfd,
                         int *silent, caisson_error **err) {
	struct caisson_answer answer, last = { 0 };
	struct pollfd ended = { .fd = process_pollable(running), .events = POLLIN };
	struct error_about about;
	int fd, rc = 0;

	/*
	 * The helper ends once init is on its own: by then it has told of it, and we
	 * took no processor from the two while they worked.
	 */
	while ((ended.fd < 0 && !process_ended(running) && poll(NULL, 0, 1) == 0) ||
	       (ended.fd >= 0 && poll(&ended, 1, -1) < 0 && errno == EINTR))
		;
	while (*pidfd < 0 ||
	       (last.kind != CAISSON_ANSWER_RUNNING && last.kind != CAISSON_ANSWER_FAILED)) {
		memset(&answer, 0, sizeof(answer));
		rc = next_answer(socket, running, *pidfd, &answer, &fd);
		if (rc < 0)
			break;
		if (answer.kind == CAISSON_ANSWER_CLONED && *pidfd < 0)
			*pidfd = fd;
		else if (fd >= 0)
			close(fd);
		if (answer.kind == CAISSON_ANSWER_BUILT)
			*built = answer;
		else if (answer.kind ==
		         CAISSON_ANSWER_DENIED) /* of a program that is faster than init */
			denials_hear(denials, &answer);
		else if (answer.kind == CAISSON_ANSWER_EXITED) { /* already, and heard only here */
			built->kind = answer.kind;
			built->status = answer.status;
			built->knob = answer.knob;
		} else if (answer.kind != CAISSON_ANSWER_CLONED &&
		           last.kind != CAISSON_ANSWER_FAILED)
			last = answer;
	}
	if (last.kind == CAISSON_ANSWER_RUNNING && built->kind && *pidfd >= 0)
		return 0;
	if (last.kind != CAISSON_ANSWER_FAILED && built->kind)
		return error_set(err, EIO, "starting the program", "",
		                 "look at the kernel log for what killed it",
		                 "the sandbox ended before its program ran");
	if (last.kind != CAISSON_ANSWER_FAILED)
		return *silent = rc;
	if (built->kind) {
		spec_about(spec, &last, &about);
		return error_from_answer(err, CAISSON_FROM_INIT, &last, &about, by->program);
	}
	by->unusable = is_closed(by, &last);
	plan_about(plan, &last, &about);
	return error_from_answer(
		err, by->via == CAISSON_VIA_HELPER ? CAISSON_FROM_HELPER : CAISSON_FROM_BUILDER,
		&last, &about, by->program);
}

static caisson_sandbox *adopt(caisson_spec *spec, enum caisson_via via, int socket, int pidfd,
                              const struct caisson_answer *built) {
	caisson_sandbox *box = calloc(1, sizeof(*box));

	if (!box || !(box->name = strdup(spec->name))) {
		free(box);
		return NULL;
	}
	box->socket = socket;
	box->pidfd = pidfd;
	box->built = *built;
	box->told = built->kind == CAISSON_ANSWER_EXITED;
	box->status = built->status;
	box->timed_out = box->told && built->knob == CAISSON_KNOB_TIMEOUT;
	box->asked.network = spec->network;
	box->asked.userns = spec->userns;
	box->asked.via = via;
	box->asked.seccomp = spec->seccomp.a;
	box->asked.explain = spec->seccomp.b;
	box->asked.landlock = spec->landlock;
	box->stdio_files = spec->stdio_files;
	for (int i = 0; i < 3; i++)
		if (spec->stdio[i] >= 0 && isatty(spec->stdio[i]))
			box->asked.tty = true;
	box->offers = -1;
	if (channels_adopt(box, spec) < 0) {
		for (size_t i = 0; i < box->channels; i++)
			channel_free(box->channel[i]);
		free(box->channel);
		free(box->name);
		free(box);
		return NULL;
	}
	return box;
}

int spec_ready(const caisson_spec *spec, caisson_error **err) {
	if (spec->error) { /* handed over: a second spawn would report it as missing */
		int error = caisson_error_errno(spec->error);

		return error_set(err, error, caisson_error_stage(spec->error),
		                 caisson_error_knob(spec->error), caisson_error_remedy(spec->error),
		                 "%s", caisson_error_message(spec->error));
	}
	if (spec->argv.n == 0)
		return error_set(err, EINVAL, "describing the sandbox", "",
		                 "call caisson_spec_argv()", "no program was given");
	return 0;
}

static int check_spec(const caisson_spec *spec, caisson_error **err) {
	int rc = spec_ready(spec, err);

	if (rc == 0 && spec->channels_gone)
		return error_set(err, EBUSY, "describing the sandbox", "caisson_spec_channel()",
		                 "make a new spec for every sandbox with channels",
		                 "the channels of \"%s\" belong to a sandbox already", spec->name);
	return rc;
}

/* In a cgroup, where limits were asked for. As launch_helper(), with *err unless *error says why. */
static int launch(const struct builder *by, int socket, const struct plan_image *plan,
                  struct entry *entry, int *pidfd, int *error, caisson_error **err) {
	*pidfd = launch_helper(by, socket, plan, entry, error);
	if (!entry || *error)
		return 0;
	if (entry->error)
		return limits_refused(entry, err);
	return entry->procs < 0 ? limits_admit(entry, err) : 0;
}

/* What a failure comes from, where it is the limits, or what was not heard because of them. */
static int explain(struct entry *entry, struct builder *by, int rc, caisson_error **err) {
	int error = limits_not_executed(entry);

	if (entry->leaf)
		leaf_over(entry->leaf);
	if (!error && (!entry->leaf || !entry->leaf->why))
		return rc;
	if (err)
		caisson_error_free(*err);
	if (error)
		return builder_missing(by, error, err);
	return error_set(err, ENOMEM, "building the sandbox", "--memory, caisson_spec_limit()",
	                 "allow it more", "%s while it was built", entry->leaf->why);
}

/* A limit that the user's other processes would use up before the builder has left them. */
static int pids_alone(struct builder *by, caisson_error **err) {
	by->unusable = true;
	return error_set(err, ENOTSUP, "limiting the sandbox", "--pids, caisson_spec_limit()",
	                 "have a cgroup delegated, docs/limits.md says how; or leave that out",
	                 "a number of processes without a cgroup takes caisson-helper");
}

int spawn_by(caisson_spec *spec, struct builder *by, caisson_sandbox **box, caisson_error **err) {
	struct limiting limits = { .used = NULL };
	struct caisson_answer built = { 0 };
	struct plan_image plan = { .memfd = -1 };
	struct denials *denials = NULL;
	int sv[2] = { -1, -1 }, pidfd = -1, error, status = -1, silent = 0, rc;
	int running = -1; /* the helper, while it does */

	*box = NULL;
	rc = check_spec(spec, err);
	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return error_set(err, errno, "preparing the plan", "", "", "socketpair: %s",
		                 strerror(errno));
	rc = spawn_prepare(spec, by->via != CAISSON_VIA_USERNS, sv[0], &plan, &limits, err);
	if (rc == 0 && plan.pids_alone && by->via == CAISSON_VIA_USERNS)
		rc = pids_alone(by, err);
	if (rc == 0 && spec->seccomp.b && !(denials = calloc(1, sizeof(*denials))))
		rc = error_set(err, ENOMEM, "preparing the plan", "", "", "out of memory");
	if (rc < 0)
		goto out;
	rc = launch(by, sv[1], &plan, limits.used, &running, &error, err);
	close(sv[1]);
	sv[1] = -1;
	if (error)
		rc = builder_missing(by, error, err);
	if (rc < 0)
		goto out;
	rc = await_running(sv[0], running, spec, &plan, by, &built, denials, &pidfd, &silent, err);
	if (rc == 0) {
		built.held &= ~plan.given_up;
		if (by->via == CAISSON_VIA_USERNS)
			built.held &= ~CAISSON_BIT(OWN_POOLS);
		*box = adopt(spec, by->via, sv[0], pidfd, &built);
		if (*box)
			limits_held(&limits, spec, *box);
		if (*box) {
			(*box)->groups_dropped = plan.groups_dropped;
			(*box)->denials = denials;
			denials = NULL;
			if (spec->gpu) {
				(*box)->gpu = spec->gpu->json;
				spec->gpu->json = NULL;
			}
			sv[0] = pidfd = -1;
		} else {
			rc = error_set(err, ENOMEM, "starting the program", "", "",
			               "out of memory");
		}
	}
out:
	if (sv[0] >= 0)
		close(sv[0]); /* init, if there is one, ends by it */
	if (sv[1] >= 0)
		close(sv[1]);
	if (running >= 0) {
		if (process_wait(running, &status) < 0 || pidfd >= 0)
			status = -1;
		close(running);
	}
	if (silent)
		rc = builder_silent(by, silent, status, err);
	if (pidfd >= 0) {
		process_kill(pidfd);
		process_wait(pidfd, &status);
		close(pidfd);
	}
	if (limits.used && rc < 0)
		rc = explain(limits.used, by, rc, err);
	rc = limits_end(&limits, rc, err);
	free(denials);
	plan_clear(&plan);
	return rc;
}

int caisson_spawn(caisson_spec *spec, caisson_sandbox **box, caisson_error **err) {
	int cancel, rc;

	/* Half a sandbox cannot be left behind by a cancelled thread. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	rc = spawn_via(spec, box, err);
	pthread_setcancelstate(cancel, &cancel);
	return rc;
}
