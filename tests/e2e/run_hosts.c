/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host applications of every kind: threads, signals, many descriptors, much memory, killed. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/tap.h"

static void *spawn_and_wait(void *arg) {
	intptr_t bad = 0;

	(void)arg;
	for (int i = 0; i < rounds(5); i++)
		bad += WEXITSTATUS(end_of(start(inside(DOES("sleep 20", "exit 6"))))) != 6;
	return (void *)bad;
}

static void *spawn_only(void *arg) {
	(void)arg;
	return start(inside(DOES("sleep 600000")));
}

static void test_threads(void) {
	pthread_t thread[2];
	void *bad[2] = { &bad, &bad }, *box = NULL;

	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, spawn_and_wait, NULL))
			bail("pthread_create");
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], &bad[i]);
	tap_ok(!bad[0] && !bad[1], "two threads with sandboxes of their own at once");
	if (pthread_create(&thread[0], NULL, spawn_only, NULL))
		bail("pthread_create");
	pthread_join(thread[0], &box);
	tap_ok(box && caisson_wait(box, ms(300), NULL, NULL) == -ETIMEDOUT,
	       "a sandbox lives on when the thread that spawned it ends");
	caisson_sandbox_free(box);
}

/* Exit status, and death by signal, both as they were. */
static int statuses_arrive(void) {
	int exited = end_of(start(inside(DOES("exit 5")))), killed = -1;
	caisson_sandbox *box;

	if (!WIFEXITED(exited) || WEXITSTATUS(exited) != 5)
		return 1;
	killed = end_of(start(inside(DOES("raise 3"))));
	if (!WIFSIGNALED(killed) || WTERMSIG(killed) != SIGQUIT)
		return 2;
	box = start(inside(DOES("sleep 600000")));
	if (!box || caisson_kill(box, SIGKILL) < 0)
		return 3;
	killed = end_of(box);
	return WIFSIGNALED(killed) && WTERMSIG(killed) == SIGKILL ? 0 : 4;
}

static int ignores_sigchld(void) {
	signal(SIGCHLD, SIG_IGN);
	return statuses_arrive();
}

static void reap_all(int sig) {
	int saved = errno;

	(void)sig;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	errno = saved;
}

static int reaps_everything(void) {
	signal(SIGCHLD, reap_all);
	return statuses_arrive();
}

static int no_cldwait(void) {
	struct sigaction act = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };

	sigaction(SIGCHLD, &act, NULL);
	return statuses_arrive();
}

static int blocks_signals(void) {
	sigset_t all, now;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (statuses_arrive())
		return 1;
	sigprocmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, SIGTERM) == 1 ? 0 : 2;
}

static int has_many_fds(void) {
	struct rlimit files;
	int fd = open("/dev/null", O_RDWR), n = 0;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max < 2000 ? files.rlim_max : 2000;
	setrlimit(RLIMIT_NOFILE, &files);
	while (n < 1000 && fcntl(fd, F_DUPFD, 0) >= 0) /* not close-on-exec */
		n++;
	return n == 1000 ? statuses_arrive() : 77;
}

static int has_few_fds(void) {
	struct rlimit files, now;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &files);
	if (statuses_arrive())
		return 1;
	return getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 64 ? 0 : 2;
}

static int has_closed_stdio(void) {
	close(0);
	close(1);
	close(2);
	return statuses_arrive();
}

static int has_much_memory(void) {
	size_t size = 1u << 30, touched = 64u << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return 77;
	memset(memory, 1, touched);
	return statuses_arrive();
}

/*
 * Helper and init answer over one socket: on one busy processor, in any order.
 * A status lost, a spawn that waits for ever or an init left unreaped shows here.
 */
static int is_on_a_busy_processor(void) {
	cpu_set_t allowed, one;
	pid_t burner[3];
	int cpu = 0, bad = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return 1;
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (int i = 0; i < 3; i++)
		if ((burner[i] = fork()) == 0) {
			alarm(60);
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			for (;;)
				getppid();
		}
	/* Where each one takes two programs that build, the same takes fewer. */
	for (int i = 0; i < (*played_kernel() ? 12 : rounds(60)); i++) {
		caisson_spec *spec = inside(DOES("exit 4"));
		caisson_sandbox *box = NULL;

		caisson_spec_network(spec, i % 2 ? CAISSON_NETWORK_HOST : CAISSON_NETWORK_NONE);
		bad += WEXITSTATUS(end_of(start(spec))) != 4;
		spec = inside(DOES("exit 0"));
		caisson_spec_dir(spec, "/usr/not-there/x", 0755);
		bad += caisson_spawn(spec, &box, NULL) != -ENOENT;
		caisson_spec_free(spec);
	}
	for (int i = 0; i < 3; i++) {
		kill(burner[i], SIGKILL);
		waitpid(burner[i], NULL, 0);
	}
	if (bad || !no_children())
		tap_note("%d sandboxes went wrong", bad);
	return bad || !no_children();
}

/*
 * A host application that is killed, with a sandbox whose program ignores all
 * it can. Its sandbox's pid 1 becomes ours, and everything of it lets go of the
 * pipe. keeper: with a child, made after the spawn, that has all descriptors
 * but the pipe, the control socket among them.
 */
static void killed_host(bool keeper, const char *what) {
	int out[2], told[2], status = 0;
	pid_t host, child = 0;
	int64_t at;
	bool up, gone;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(told, O_CLOEXEC) < 0)
		bail("pipe2");
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	fflush(stdout);
	host = fork();
	if (host == 0) {
		caisson_spec *spec =
			inside(DOES("orphan", "ignore 15", "print ready", "sleep 600000"));

		alarm((unsigned)ms(40000) / 1000);
		caisson_spec_stdio(spec, -1, out[1], -1);
		start(spec);
		if (keeper && (child = fork()) == 0) {
			close(out[1]);
			close(told[1]);
			alarm((unsigned)ms(40000) / 1000);
			for (;;)
				pause();
		}
		if (write(told[1], &child, sizeof(child)) != sizeof(child))
			_exit(1);
		for (;;)
			pause();
	}
	close(out[1]);
	close(told[1]);
	up = ready(out[0]) && read(told[0], &child, sizeof(child)) == sizeof(child);
	if (host > 0)
		kill(host, SIGKILL);
	at = now_ms();
	gone = hung_up(out[0], ms(2000));
	tap_ok(up && gone, "%s", what);
	tap_note("gone after %lld ms", (long long)(now_ms() - at));
	if (keeper && up && child > 0)
		kill(child, SIGKILL);
	close(out[0]);
	close(told[0]);
	while (waitpid(-1, &status, 0) > 0) /* the host, its sandbox and its child */
		;
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

static void test_leaks(void) {
	int n = rounds(50), bad = 0, before;

	bad += end_of(start(inside(DOES("exit 0")))) != 0;
	before = open_fds();
	for (int i = 0; i < n; i++) {
		/* every way out: its own end, ours, and an error */
		caisson_spec *spec = inside(DOES(i % 3 ? "sleep 600000" : "exit 0"));

		if (i % 3 == 1)
			caisson_spec_chdir(spec, "/not/there");
		if (i % 3 == 1) {
			caisson_sandbox *box = NULL;

			bad += caisson_spawn(spec, &box, NULL) == 0;
			caisson_spec_free(spec);
		} else if (i % 3 == 2) {
			caisson_sandbox_free(start(spec));
		} else {
			bad += end_of(start(spec)) != 0;
		}
	}
	tap_ok(!bad && open_fds() == before, "%d sandboxes leave no descriptor (%d, %d)", n, before,
	       open_fds());
	tap_ok(no_children(), "nor a child or a zombie");
}

void test_hosts(void) {
	test_threads();
	in_child(ignores_sigchld, "a host that ignores SIGCHLD gets every status");
	in_child(reaps_everything, "so does one whose handler reaps every child");
	in_child(no_cldwait, "and one with SA_NOCLDWAIT");
	in_child(blocks_signals, "a host that blocks every signal");
	in_child(has_many_fds, "a host with 1,000 open descriptors");
	in_child(has_few_fds, "a host with a limit of 64");
	in_child(has_closed_stdio, "a host without standard input, output and error");
	in_child(has_much_memory, "a host with a mapping of 1 GiB");
	in_child(is_on_a_busy_processor, "a host on a busy processor");
	killed_host(false, "a sandbox ends with its host, killed by SIGKILL");
	killed_host(true, "also if a forked child of the host still has the socket");
	test_leaks();
}
