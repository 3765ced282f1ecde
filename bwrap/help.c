/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --help and --version, as bubblewrap has them: programs read both. */
#define _GNU_SOURCE
#include "args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "caisson.h"

static const char text[] =
	"General:\n"
	"    --help                       Print this help and exit\n"
	"    --version                    Print the version and exit\n"
	"    --args FD                    Read NUL-separated options from FD\n"
	"    --argv0 VALUE                What the program is told that it is called\n"
	"    --level-prefix               <3> or such before each message\n"
	"Namespaces (all of them are always new, but for the network's):\n"
	"    --unshare-all                All; the network has only a loopback\n"
	"    --unshare-net                The network has only a loopback\n"
	"    --share-net                  The host's network, after one of these\n"
	"    --unshare-user[-try]  --unshare-ipc  --unshare-pid  --unshare-uts\n"
	"    --unshare-cgroup[-try]       It is so\n"
	"    --disable-userns             It is so; needs --unshare-user\n"
	"    --assert-userns-disabled     It is so\n"
	"    --uid UID, --gid GID         User and group id in the sandbox\n"
	"    --hostname NAME              Host name in the sandbox; needs --unshare-uts\n"
	"Environment:\n"
	"    --chdir DIR                  Working directory\n"
	"    --clearenv                   Empty the environment, but for PWD\n"
	"    --setenv VAR VALUE           Set an environment variable\n"
	"    --unsetenv VAR               Leave one out\n"
	"Monitoring:\n"
	"    --lock-file DEST             Hold a lock on DEST while the sandbox runs\n"
	"    --sync-fd FD                 Hold FD open while the sandbox runs\n"
	"    --info-fd FD                 Write about the sandbox to FD, in JSON\n"
	"    --json-status-fd FD          The same, and its exit status; a document a line\n"
	"    --block-fd FD                Wait for FD before the program starts\n"
	"Files, in this order:\n"
	"    --bind[-try] SRC DEST        SRC of the host at DEST, to be written to\n"
	"    --ro-bind[-try] SRC DEST     The same, read-only\n"
	"    --dev-bind[-try] SRC DEST    The same, with the devices that the policy allows\n"
	"    --bind-fd FD DEST            What FD is of, at DEST\n"
	"    --ro-bind-fd FD DEST         The same, read-only\n"
	"    --remount-ro DEST            What is mounted on DEST becomes read-only\n"
	"    --proc DEST                  A procfs of the sandbox's processes\n"
	"    --dev DEST                   The devices that every program may have\n"
	"    --tmpfs DEST                 A tmpfs\n"
	"    --mqueue DEST                The sandbox's POSIX message queues\n"
	"    --dir DEST                   A directory\n"
	"    --file FD DEST               A file with what comes out of FD\n"
	"    --bind-data FD DEST          The same, also in place of another\n"
	"    --ro-bind-data FD DEST       The same, read-only\n"
	"    --symlink SRC DEST           A symbolic link to SRC\n"
	"    --perms OCTAL                Mode of what the next option makes\n"
	"    --size BYTES                 Size of the next --tmpfs\n"
	"    --chmod OCTAL PATH           Mode of what is there\n"
	"Lockdown:\n"
	"    --seccomp FD                 One filter more, a compiled cBPF program in FD\n"
	"    --add-seccomp-fd FD          The same, as often as wanted\n"
	"    --new-session                It is so\n"
	"    --die-with-parent            End with the process that started this one\n"
	"    --cap-drop CAP               It is so: a program has no capabilities\n"
	"Caisson's own:\n"
	"    --caisson-seccomp PROFILE    default, strict, gpu, nested: caisson-run(1)\n"
	"    --caisson-landlock DOMAIN    files, processes: caisson-run(1)\n"
	"    --caisson-report FILE        What the sandbox holds, as JSON; - is standard error\n"
	"Refused, with the reason (caisson-bwrap(1)):\n"
	"    --userns, --userns2, --pidns, --userns-block-fd, --as-pid-1, --cap-add,\n"
	"    --overlay-src, --overlay, --tmp-overlay, --ro-overlay, --exec-label,\n"
	"    --file-label\n";

void print_help(const char *name, bool wrong) {
	FILE *out = wrong ? stderr : stdout;

	fprintf(out, "usage: %s [OPTIONS...] [--] COMMAND [ARGS...]\n\n%s",
	        name ? name : program_invocation_name, text);
	exit(fflush(out) || wrong ? 1 : 0);
}

void print_version(void) {
	printf("bubblewrap 0.11.1 (caisson-bwrap %s)\n", caisson_version());
	exit(fflush(stdout) ? 1 : 0);
}
