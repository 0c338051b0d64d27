/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TOOLS_INTERRUPT_H
#define TOOLS_INTERRUPT_H

/*
 * The first SIGINT, SIGTERM or SIGHUP asks the running work to stop and clean up; the second one
 * ends the program at once.
 */
void interrupt_catch(void);
/* The signal that came, 0 when none did. */
int interrupted(void);
/* Waits until such a signal comes or `fd` is readable, for a command whose end it is: the signal
 * then counts as obeyed, and 0 is what interrupted says. */
void interrupt_wait(int fd);
/* Ends the program by that signal, so that the caller's shell sees what happened. */
void interrupt_die(void);

#endif
