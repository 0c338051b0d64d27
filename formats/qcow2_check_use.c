/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who uses which cluster, for a part of the file. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2_check.h"

int qcow2_window_open(struct qcow2_window *w, uint64_t clusters, struct error *e)
{
	size_t count = (size_t)min_u64(clusters, QCOW2_WINDOW);

	w->users = calloc(count, sizeof(*w->users));
	w->state = calloc(count, 1);
	if (w->users && w->state)
		return 0;
	qcow2_window_close(w);
	return error_nomem(e, "the users of clusters");
}

void qcow2_window_move(struct qcow2_window *w, uint64_t first, uint64_t count)
{
	w->first = first;
	w->count = count;
	memset(w->users, 0, count * sizeof(*w->users));
	memset(w->state, 0, count);
}

void qcow2_window_close(struct qcow2_window *w)
{
	free(w->users);
	free(w->state);
	*w = (struct qcow2_window){ 0 };
}

static void use_one(struct qcow2_window *w, size_t i, uint32_t weight, enum qcow2_use use)
{
	unsigned before = w->state[i] & QCOW2_USE_MASK;

	if (before && (before > QCOW2_USE_CONTENT || use > QCOW2_USE_CONTENT))
		w->state[i] |= QCOW2_CLASH;
	if (use > QCOW2_USE_L2 && weight > 1)
		w->state[i] |= QCOW2_CLASH;
	if (use > before)
		w->state[i] = (uint8_t)((w->state[i] & ~(unsigned)QCOW2_USE_MASK) | use);
	w->users[i] = (uint16_t)min_u64(w->users[i] + (uint64_t)weight, UINT16_MAX);
}

void qcow2_window_use(
	struct qcow2_window *w, uint64_t first, uint64_t last, uint32_t weight, enum qcow2_use use)
{
	uint64_t end = w->first + w->count;

	for (uint64_t n = max_u64(first, w->first); n <= last && n < end; n++)
		use_one(w, (size_t)(n - w->first), weight, use);
}

uint8_t *qcow2_window_state(struct qcow2_window *w, uint64_t cluster)
{
	if (cluster < w->first || cluster - w->first >= w->count)
		return NULL;
	return &w->state[cluster - w->first];
}
