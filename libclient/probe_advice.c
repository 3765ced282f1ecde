/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What there is to say of each restriction: the cause, the command, its cost, where it is explained. */
#include "probe.h"

#include <string.h>

#define DOC(anchor) "docs/troubleshooting.md#" anchor

static const struct advice advices[CAISSON_RESTRICTION_COUNT] = {
	[CAISSON_RESTRICTION_NONE] = { "", "", "", "" },
	[CAISSON_RESTRICTION_APPARMOR] = { "The AppArmor profile of this process denies it user "
	                                   "namespaces or what can be "
	                                   "done in them.",
	                                   "add the line \"userns,\" to that profile in "
	                                   "/etc/apparmor.d, then: "
	                                   "apparmor_parser -r /etc/apparmor.d/PROFILE",
	                                   "what runs under that profile reaches kernel code that "
	                                   "only root reached before",
	                                   DOC("apparmor") },
	[CAISSON_RESTRICTION_MAX_USER_NAMESPACES] = { "The limit of user namespaces is used up or "
	                                              "0, which stops root too.",
	                                              "sysctl -w user.max_user_namespaces=15000 && "
	                                              "echo user.max_user_namespaces=15000 "
	                                              "> /etc/sysctl.d/90-userns.conf",
	                                              "every user reaches kernel code that only "
	                                              "root reached before",
	                                              DOC("max_user_namespaces") },
	[CAISSON_RESTRICTION_USERNS_CLONE] = { "The kernel lets only root make user namespaces.",
	                                       "sysctl -w kernel.unprivileged_userns_clone=1 && "
	                                       "echo "
	                                       "kernel.unprivileged_userns_clone=1 > "
	                                       "/etc/sysctl.d/90-userns.conf",
	                                       "every user reaches kernel code that only root "
	                                       "reached before",
	                                       DOC("unprivileged_userns_clone") },
	[CAISSON_RESTRICTION_SELINUX] = { "SELinux denies it to the domain of this process.",
	                                  "semodule -i caisson.pp && restorecon -R "
	                                  "/usr/libexec/caisson; what was denied: "
	                                  "ausearch -m AVC -ts recent",
	                                  "none beyond what the module allows", DOC("selinux") },
	[CAISSON_RESTRICTION_SECCOMP] = { "A seccomp filter, which everything started here "
	                                  "inherits, denies a system call "
	                                  "that is needed.",
	                                  "start from outside the filter; in Docker: docker run "
	                                  "--security-opt "
	                                  "seccomp=unconfined, or a profile that allows clone, "
	                                  "clone3, unshare, setns, "
	                                  "mount, umount2, pivot_root, open_tree, move_mount, "
	                                  "fsopen, fsconfig, fsmount and "
	                                  "mount_setattr",
	                                  "the container's programs reach those system calls too",
	                                  DOC("seccomp") },
	[CAISSON_RESTRICTION_CONTAINER] = { "The container withholds capabilities or parts of "
	                                    "/proc that no program in it can "
	                                    "get back.",
	                                    "docker run --cap-add SYS_ADMIN --security-opt "
	                                    "seccomp=unconfined --security-opt "
	                                    "apparmor=unconfined --security-opt "
	                                    "systempaths=unconfined IMAGE",
	                                    "root in the container is as good as root on the host: "
	                                    "run nothing untrusted as "
	                                    "root there",
	                                    "docs/containers.md" },
	[CAISSON_RESTRICTION_NO_NEW_PRIVS] = { "no_new_privs is set for this process, for ever, "
	                                       "and no setuid program gains "
	                                       "anything under it.",
	                                       "start the host application without it: "
	                                       "NoNewPrivileges=no in a systemd unit, no "
	                                       "--security-opt no-new-privileges in Docker, "
	                                       "allowPrivilegeEscalation: true in a "
	                                       "pod",
	                                       "setuid programs work there again",
	                                       DOC("no_new_privs") },
	[CAISSON_RESTRICTION_NOSUID] = { "caisson-helper lies on a mount with nosuid, where no "
	                                 "file gives privilege.",
	                                 "install it on another file system, or: mount -o "
	                                 "remount,suid MOUNTPOINT",
	                                 "setuid programs on that file system work again",
	                                 DOC("nosuid") },
	[CAISSON_RESTRICTION_HELPER] = { "caisson-helper is missing or not installed so that it "
	                                 "gains privilege.",
	                                 "install Caisson's package again", "none", DOC("helper") },
	[CAISSON_RESTRICTION_KERNEL] = { "The kernel lacks system calls or namespaces that a "
	                                 "sandbox needs.",
	                                 "use Linux 5.10 or later, with CONFIG_USER_NS; or 4.18 or "
	                                 "later and open user namespaces to users, which takes no "
	                                 "caisson-helper",
	                                 "a reboot", DOC("kernel") },
	[CAISSON_RESTRICTION_PLATFORM] = { "This platform does not do what Linux does, so no "
	                                   "sandbox can be built on it.",
	                                   "use Linux; in WSL: wsl --set-version DISTRIBUTION 2; "
	                                   "under gVisor: run the pod "
	                                   "with runtimeClassName of runc",
	                                   "", "docs/platforms.md" },
	[CAISSON_RESTRICTION_UNKNOWN] = { "Something that is not known here keeps it from this "
	                                  "process.",
	                                  "look in the kernel log: journalctl -k -g "
	                                  "'apparmor|avc|seccomp|audit'",
	                                  "", DOC("unknown") },
};

/* Ubuntu from 23.10 on: whoever has no profile gets a namespace in which nothing works. */
static const struct advice ubuntu = {
	"AppArmor takes every capability from user namespaces of programs that have no profile for "
	"it.",
	"printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile NAME /PATH/TO/PROGRAM "
	"flags=(unconfined) {\\n  userns,\\n}\\n' > /etc/apparmor.d/NAME && apparmor_parser -r "
	"/etc/apparmor.d/NAME",
	"that program, and who can start it, reaches kernel code that only root reached before",
	DOC("apparmor"),
};

/* Capabilities that not even a container's root has stay away from containers without them too. */
static const struct advice no_container = {
	"This process and its children can never have a capability that caisson-helper needs.",
	"start from a process with a full bounding set: no CapabilityBoundingSet= in a systemd "
	"unit, no capsh --drop",
	"setuid programs started there get their capabilities again",
	"docs/containers.md",
};

void advice_for(enum caisson_restriction restriction, const struct host *host,
                struct advice *advice) {
	*advice = advices[restriction];
	if (restriction == CAISSON_RESTRICTION_APPARMOR &&
	    host_sysctl_is(host, HOST_APPARMOR_USERNS, "1"))
		*advice = ubuntu;
	if (restriction == CAISSON_RESTRICTION_CONTAINER && host->container == HOST_NO_CONTAINER &&
	    host->withheld & HOST_LACKS_CAPS)
		*advice = no_container;
	if (restriction == CAISSON_RESTRICTION_CONTAINER && host->container == HOST_KUBERNETES)
		advice->remedy = "kubectl apply -f packaging/kubernetes/caisson.yaml shows "
				 "the smallest securityContext that gives full isolation";
	if (restriction == CAISSON_RESTRICTION_CONTAINER && host->container == HOST_PODMAN)
		advice->remedy = "podman run --cap-add SYS_ADMIN,NET_ADMIN,SYS_PTRACE "
				 "--security-opt seccomp=unconfined IMAGE";
}

static const char *const names[CAISSON_RESTRICTION_COUNT] = {
	[CAISSON_RESTRICTION_NONE] = "none",
	[CAISSON_RESTRICTION_APPARMOR] = "apparmor",
	[CAISSON_RESTRICTION_MAX_USER_NAMESPACES] = "max_user_namespaces",
	[CAISSON_RESTRICTION_USERNS_CLONE] = "unprivileged_userns_clone",
	[CAISSON_RESTRICTION_SELINUX] = "selinux",
	[CAISSON_RESTRICTION_SECCOMP] = "seccomp",
	[CAISSON_RESTRICTION_CONTAINER] = "container",
	[CAISSON_RESTRICTION_NO_NEW_PRIVS] = "no_new_privs",
	[CAISSON_RESTRICTION_NOSUID] = "nosuid",
	[CAISSON_RESTRICTION_HELPER] = "helper",
	[CAISSON_RESTRICTION_KERNEL] = "kernel",
	[CAISSON_RESTRICTION_PLATFORM] = "platform",
	[CAISSON_RESTRICTION_UNKNOWN] = "unknown",
};

const char *caisson_restriction_name(enum caisson_restriction restriction) {
	return (unsigned)restriction < CAISSON_RESTRICTION_COUNT ? names[restriction] : NULL;
}

const char *caisson_way_name(enum caisson_way way) {
	static const char *const ways[CAISSON_WAY_COUNT] = {
		[CAISSON_WAY_NONE] = "none",
		[CAISSON_WAY_HELPER_USERNS] = "helper_userns",
		[CAISSON_WAY_HELPER] = "helper",
		[CAISSON_WAY_USERNS] = "userns",
	};

	return (unsigned)way < CAISSON_WAY_COUNT ? ways[way] : NULL;
}
