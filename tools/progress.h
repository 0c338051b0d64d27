/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "disk/convert.h"

enum progress_mode { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_JSON };

struct progress {
	enum progress_mode mode;
	const char *phase;
	struct timespec start, last;
	bool shown;
};

/* Points the engine's callback at `p`; the clock starts. */
void progress_start(struct progress *p, const char *phase, struct convert_options *engine);
/* Ends the bar's line, when there is one. */
void progress_end(struct progress *p);

#endif
