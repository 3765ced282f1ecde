/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs the helper under ptrace, from its exec to the end of everything it made.
 * A tracer that is root leaves a setuid exec its rights. Nothing is known here
 * of what the helper does: a process is named by who made it, a call by its
 * number and how many of that number the process had made.
 */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch.h"

#define LIMIT_MS 15000 /* of a busy machine; the helper's own is twice that */

static struct role {
	int parent;
	unsigned nth;
	char name[32];
} roles[MAX_ROLES] = { { -1, 1, "helper" } };
static unsigned n_roles = 1;

struct proc {
	pid_t pid; /* 0: ended */
	int role;  /* -1: its maker was not heard of yet */
	unsigned children;
	bool watched; /* the first process once it has executed the helper */
	bool failing; /* in the call that is to fail, with result */
	int64_t result;
	uint16_t seen[MAX_CALL];
};

static struct tracer {
	const struct fault *fault;
	int lacks;
	struct sequence *sequence;
	struct run *run;
	struct raw_box box;
	struct proc proc[MAX_ROLES + 4];
	unsigned n;
	bool done; /* the fault has happened */
} t;

const char *role_name(int role) {
	return role < 0 ? "?" : roles[role].name;
}

static int role_of(int parent, unsigned nth) {
	static const char *const plain[] = { "helper", "init", "program" };
	struct role *new = &roles[n_roles];
	char above[20];
	int depth = 1;

	for (unsigned i = 0; i < n_roles; i++)
		if (roles[i].parent == parent && roles[i].nth == nth)
			return (int)i;
	if (n_roles == MAX_ROLES)
		raw_bail("MAX_ROLES");
	for (int up = parent; roles[up].parent >= 0; up = roles[up].parent)
		depth++;
	snprintf(above, sizeof(above), "%.19s", roles[parent].name);
	new->parent = parent;
	new->nth = nth;
	if (nth == 1 && depth < 3)
		snprintf(new->name, sizeof(new->name), "%s", plain[depth]);
	else
		snprintf(new->name, sizeof(new->name), "%s.%u", above, nth);
	return (int)n_roles++;
}

static struct proc *find(pid_t pid) {
	for (unsigned i = 0; i < t.n; i++)
		if (t.proc[i].pid == pid)
			return &t.proc[i];
	return NULL;
}

static struct proc *add(pid_t pid, int role) {
	struct proc *p = &t.proc[t.n++];

	if (t.n > sizeof(t.proc) / sizeof(t.proc[0]))
		raw_bail("too many processes");
	memset(p, 0, sizeof(*p));
	p->pid = pid;
	p->role = role;
	return p;
}

static void go_on(const struct proc *p, int sig) {
	bool watch = p->watched && (t.sequence || p->failing || t.lacks >= 0 ||
	                            (t.fault && !t.done && p->role == t.fault->role));

	ptrace(watch ? PTRACE_SYSCALL : PTRACE_CONT, p->pid, NULL, (void *)(intptr_t)sig);
}

/* ------------------------------------------------------------------- calls */

/* Another call in its place, that has no effect and that every filter allows. */
static bool replace(struct proc *p, int64_t result) {
	p->failing = true;
	p->result = result;
	return arch_set_call(p->pid, SYS_getpid);
}

static void inject(struct proc *p, const struct arch_stop *stop) {
	bool good = true;

	t.done = t.run->reached = true;
	switch (t.fault->kind) {
	case FAULT_KILL:
		kill(p->pid, SIGKILL);
		break;
	case FAULT_ERRNO:
	case FAULT_END:
		good = replace(p, t.fault->kind == FAULT_END ? 0 : -t.fault->error);
		break;
	case FAULT_DONE:
		p->failing = true;
		p->result = -t.fault->error;
		break;
	case FAULT_SHORT:
		good = arch_set_arg(p->pid, 2, stop->entry.args[2] / 2);
		break;
	case FAULT_VOID: /* no such uid; no such address */
		good = arch_set_arg(p->pid, 0, stop->entry.nr == SYS_brk ? 0 : UINT64_MAX);
		break;
	default:
		break;
	}
	if (!good && errno != ESRCH) /* killed meanwhile, by the end of another */
		raw_bail("ptrace, to change a call");
}

static void entered(struct proc *p, const struct arch_stop *stop) {
	uint64_t call = stop->entry.nr;
	unsigned occurrence = call < MAX_CALL ? ++p->seen[call] : 0;

	if (t.sequence && t.sequence->n < MAX_CALLS)
		t.sequence->made[t.sequence->n++] =
			(struct made_call){ p->role, (int)call, occurrence, 0 };
	if (t.fault && !t.done && p->role == t.fault->role && (int)call == t.fault->call &&
	    occurrence == t.fault->occurrence)
		inject(p, stop);
	else if ((int)call == t.lacks && !replace(p, -ENOSYS) && errno != ESRCH)
		raw_bail("ptrace, to change a call");
}

static void left(struct proc *p, const struct arch_stop *stop) {
	if (p->failing && !arch_set_result(p->pid, p->result) && errno != ESRCH)
		raw_bail("ptrace, to change a result");
	p->failing = false;
	for (unsigned i = t.sequence ? t.sequence->n : 0; i > 0; i--)
		if (t.sequence->made[i - 1].role == p->role) {
			t.sequence->made[i - 1].result = stop->exit.rval;
			break;
		}
}

static void at_call(struct proc *p) {
	struct arch_stop stop = { 0 };

	if (arch_stop(p->pid, &stop) && stop.op == 1)
		entered(p, &stop);
	else if (stop.op == 2)
		left(p, &stop);
	go_on(p, 0);
}

/* ------------------------------------------------------------------ events */

/* The helper is executed by the first process, init by its child; any other becomes the target. */
static void at_exec(struct proc *p) {
	if (p->role == 0 || roles[p->role].parent == 0) {
		p->watched = true;
		go_on(p, 0);
		return;
	}
	t.run->program = true;
	t.run->owner = outside_owner(p->pid);
	for (unsigned i = 0; i < t.n; i++)
		if (t.proc[i].pid && t.proc[i].role == roles[p->role].parent)
			outside_fds(t.proc[i].pid, t.run->stray);
	ptrace(PTRACE_DETACH, p->pid, NULL, NULL);
	p->pid = 0;
}

static void at_fork(struct proc *p) {
	unsigned long child = 0;
	struct proc *c;

	if (ptrace(PTRACE_GETEVENTMSG, p->pid, NULL, &child) == 0 && child) {
		c = find((pid_t)child);
		if (c) { /* it stopped before we heard of it */
			c->role = role_of(p->role, ++p->children);
			go_on(c, 0);
		} else {
			c = add((pid_t)child, role_of(p->role, ++p->children));
		}
		c->watched = true;
	}
	go_on(p, 0);
}

static void at_stop(pid_t pid, int status) {
	struct proc *p = find(pid);
	int event = status >> 16, sig = WSTOPSIG(status);

	if (!p) {
		add(pid, -1)->watched = true; /* and waits */
		return;
	}
	if (event == PTRACE_EVENT_EXEC)
		at_exec(p);
	else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_CLONE ||
	         event == PTRACE_EVENT_VFORK)
		at_fork(p);
	else if (event == 0 && sig == (SIGTRAP | 0x80))
		at_call(p);
	else
		go_on(p, event ? 0 : sig);
}

/* ---------------------------------------------------------------- the run */

static volatile sig_atomic_t ticks;

static void tick(int sig) {
	(void)sig;
	ticks++;
}

static void clock_on(bool on) {
	const struct itimerval often = { { 0, 100000 }, { 0, 100000 } },
			       off = { { 0, 0 }, { 0, 0 } };
	const struct sigaction action = { .sa_handler = tick };

	ticks = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, on ? &often : &off, NULL);
}

/* Once in a while: does it take too long? First the host closes its socket, which ends everything. */
static void impatient(void) {
	for (unsigned i = 0; i < t.n; i++)
		if (t.proc[i].pid && t.proc[i].role < 0 && ticks > 10) {
			t.proc[i].role = 0; /* nobody told of it: go, unwatched */
			t.proc[i].watched = false;
			ptrace(PTRACE_CONT, t.proc[i].pid, NULL, NULL);
		}
	if (ticks < LIMIT_MS / 100)
		return;
	ticks = 0;
	if (t.run->end == RUN_ENDED) {
		t.run->end = RUN_CLOSED;
		shutdown(t.box.socket, SHUT_RDWR);
	} else {
		t.run->end = RUN_KILLED;
		kill(-1, SIGKILL); /* all of this PID namespace but us, who are its first process */
	}
}

static void follow(void) {
	struct proc *p;
	int status;
	pid_t pid;

	clock_on(true);
	for (;;) {
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno != EINTR)
			break; /* ECHILD: nobody is left */
		if (pid < 0)
			impatient();
		else if (WIFSTOPPED(status))
			at_stop(pid, status);
		else if ((p = find(pid)))
			p->pid = 0;
	}
	clock_on(false);
}

static void hear(void) {
	struct run *run = t.run;
	struct caisson_answer *next = run->answer;

	while (run->answers < MAX_ANSWERS && raw_next(&t.box, next, 0)) {
		run->answers++;
		next++;
	}
}

static int gate[2] = { -1, -1 };

static void wait_at_gate(void *arg) {
	char byte;

	(void)arg;
	/* What the helper has to say to a person is not for the log. */
	if (read(gate[0], &byte, 1) != 1 || dup2(open("/dev/null", O_RDWR | O_CLOEXEC), 2) < 0)
		_exit(97);
	world_become_user();
}

/* Out of the way of the descriptors that a plan numbers. */
void trace_open(void) {
	int low[2];

	if (pipe2(low, O_CLOEXEC) < 0)
		raw_bail("pipe2");
	for (int i = 0; i < 2; i++) {
		gate[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 800);
		close(low[i]);
	}
	if (gate[0] < 0 || gate[1] < 0)
		raw_bail("F_DUPFD_CLOEXEC");
}

static void launch(const struct scene *scene, int out) {
	struct raw_how how = RAW_HOW;

	how.memfd = scene->memfd;
	how.keep_fds = true; /* all of ours are close-on-exec */
	how.before_exec = wait_at_gate;
	world_as_user(true);
	raw_launch(&t.box, scene->plan, &how);
	raw_start(&t.box, world_program(scene->net), out, NULL, 0, 0);
	world_as_user(false);
	add(t.box.helper, 0);
	if (ptrace(PTRACE_SEIZE, t.box.helper, NULL,
	           PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC |
	                   PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE) < 0)
		raw_bail("PTRACE_SEIZE");
	if (write(gate[1], "g", 1) != 1)
		raw_bail("the gate");
}

static void read_report(int fd, struct run *run) {
	size_t have = 0;
	ssize_t n;

	while (have + 1 < sizeof(run->report) &&
	       (n = read(fd, run->report + have, sizeof(run->report) - have - 1)) > 0)
		have += (size_t)n;
	run->report[have] = '\0';
	close(fd);
}

void trace_run(const struct scene *scene, const struct fault *fault, struct sequence *sequence,
               struct run *run) {
	int out[2];

	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)
		raw_bail("pipe2");
	memset(run, 0, sizeof(*run));
	memset(&t, 0, offsetof(struct tracer, proc));
	t.n = 0;
	t.done = false;
	t.fault = fault;
	t.lacks = scene->lacks;
	t.sequence = sequence;
	t.run = run;
	launch(scene, out[1]);
	close(out[1]);
	follow();
	hear();
	close(t.box.socket);
	read_report(out[0], run);
}
