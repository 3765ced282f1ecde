/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals that are passed on to a program in a sandbox. */
#ifndef CAISSON_CLI_SIGNALS_H
#define CAISSON_CLI_SIGNALS_H

/*
 * Block what is passed on, before there is anybody to pass it to, so that no
 * signal falls in between. A signalfd, or -1 with errno.
 */
int signals_open(void);
/* Pass on what came, by kill(to, sig), and do as the terminal's stop key says. */
void signals_pass(int signals, int (*kill)(void *to, int sig), void *to);
/* One that came and would end a process, if it can be passed to nobody; 0: none. */
int signals_fatal(int signals);

#endif
