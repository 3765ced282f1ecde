/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one table of properties: what a sandbox can promise. `--require`, the
 * report, doctor and the JSON all read it, and "full" is defined in it.
 * The numbers are public ABI (enum caisson_property in caisson.h).
 *
 * X(NAME, number, "name", full, "what it means when enforced")
 * full: 1 if a sandbox without it is not a full one.
 */
#ifndef CAISSON_PROTOCOL_PROPERTIES_H
#define CAISSON_PROTOCOL_PROPERTIES_H

#define CAISSON_PROPERTIES(X)                                                                      \
	X(USERNS, 0, "userns", 0, "an own user namespace, owned by root")                          \
	X(PID, 1, "pid", 1, "sees and signals no process outside")                                 \
	X(MOUNT, 2, "mount", 1, "an own mount tree: nothing but what was granted")                 \
	X(IPC, 3, "ipc", 1, "no System V IPC or POSIX queue shared with the host")                 \
	X(UTS, 4, "uts", 1, "an own host name")                                                    \
	X(CGROUP, 5, "cgroup", 1, "an own view of the cgroup tree")                                \
	X(NET, 6, "net", 1, "no network of the host's")                                            \
	X(PROC, 7, "proc", 1, "no procfs but one of its own processes")                            \
	X(DEV, 8, "dev", 1, "no device but the harmless ones")                                     \
	X(SHM, 9, "shm", 1, "no /dev/shm shared with the host")                                    \
	X(NOSUID, 10, "nosuid", 1, "no mount honours a setuid bit")                                \
	X(CAPABILITIES, 11, "capabilities", 1, "no capability, nor a way to one")                  \
	X(NO_NEW_PRIVS, 12, "no_new_privs", 1, "no program can raise privileges")                  \
	X(SECCOMP, 13, "seccomp", 1, "the system call floor is in force")                          \
	X(LANDLOCK, 14, "landlock", 0, "a Landlock domain")                                        \
	X(HOST_PROCESSES, 15, "host_processes", 1,                                                 \
	  "the user's other processes cannot be traced or robbed of descriptors")                  \
	X(TERMINAL, 16, "terminal", 1, "no controlling terminal, and none to type into")           \
	X(KEYRING, 17, "keyring", 1, "an own session keyring, and no key call")                    \
	X(END_WITH_HOST, 18, "end_with_host", 1, "ends when the host application does")            \
	X(LABEL, 19, "label", 0, "a label of the host's security module")                          \
	X(LIMITS, 20, "limits", 0, "an own cgroup with limits")                                    \
	X(OWN_POOLS, 21, "own_pools", 0,                                                           \
	  "per-user pools (processes, inotify, queues) are not shared with the user's others")     \
	X(HOST_SOCKETS, 22, "host_sockets", 0, "no host socket in a granted tree can be reached")

/*
 * How a property is enforced, or why it is not.
 * Y(NAME, number, enforced, "words")
 */
#define CAISSON_HOWS(Y)                                                                            \
	Y(NOT_ASKED, 0, 0, "not asked for")                                                        \
	Y(NAMESPACE, 1, 1, "own namespace")                                                        \
	Y(MOUNTINFO, 2, 1, "every mount judged in mountinfo")                                      \
	Y(READ_BACK, 3, 1, "dropped, regaining tried, read back")                                  \
	Y(FILTER, 4, 1, "seccomp filter")                                                          \
	Y(LANDLOCK, 5, 1, "Landlock domain")                                                       \
	Y(USERNS_FILTER, 6, 1, "user namespace and seccomp filter")                                \
	Y(LANDLOCK_FILTER, 7, 1, "Landlock domain and seccomp filter")                             \
	Y(ALL_BARRIERS, 8, 1, "user namespace, Landlock domain and seccomp filter")                \
	Y(ONE_BARRIER, 9, 1, "seccomp filter alone: this kernel offers no Landlock")               \
	Y(SESSION, 10, 1, "own session, no controlling terminal, seccomp filter")                  \
	Y(WATCH, 11, 1, "pid 1 watches the host's pidfd and socket")                               \
	Y(NO_INET, 12, 1, "own namespace, no interface up, inet sockets denied")                   \
	Y(LOOPBACK, 13, 1, "own namespace, only lo up")                                            \
	Y(HOST_ASKED, 14, 0, "the host's, as asked")                                               \
	Y(DENIED, 15, 0, "this host lets nobody create one")                                       \
	Y(KERNEL, 16, 0, "this kernel has none")                                                   \
	Y(NO_MODULE, 17, 0, "none: no security module of ours is loaded")                          \
	Y(SHARED, 18, 0, "shared with the user's other processes")                                 \
	Y(GRANTED_TREES, 19, 0, "a socket inside a granted tree can be connected to")              \
	Y(TTY_KEPT, 20, 0, "a terminal was passed as standard input, output or error")

#define CAISSON_X_ENUM(NAME, num, ...) CAISSON_P_##NAME = (num),
enum caisson_property_number { CAISSON_PROPERTIES(CAISSON_X_ENUM) CAISSON_P_COUNT = 23 };
#undef CAISSON_X_ENUM

#define CAISSON_Y_ENUM(NAME, num, ...) CAISSON_HOW_##NAME = (num),
enum caisson_how { CAISSON_HOWS(CAISSON_Y_ENUM) CAISSON_HOW_COUNT = 21 };
#undef CAISSON_Y_ENUM

#define CAISSON_PROPERTY_BIT(NAME) (1ull << CAISSON_P_##NAME)

#define CAISSON_X_FULL(NAME, num, name, full, text) | ((uint64_t)(full) << (num))
#define CAISSON_PROPERTIES_FULL (0ull CAISSON_PROPERTIES(CAISSON_X_FULL))

#endif
