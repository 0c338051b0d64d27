/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_GUEST_EDIT_H
#define TESTS_UNIT_GUEST_EDIT_H

/* Editing the guests of linux_sample.h, and what is then in them by e2fsprogs. */
#include "linux_sample.h"

#define ROOT_OFFSET "1048576"
#define ESP_OFFSET "35651584" /* of TABLE=gpt */

static inline void inject(struct sample *s, const char *targets)
{
	struct target_list l;
	struct error e = { 0 };

	assert_int_equal(targets_load("recipes", targets, &l, &e), 0);
	if (guest_image_apply(s->g, &(struct guest_changes){ .targets = &l }, &e))
		fail_msg("%s", e.text);
	targets_free(&l);
}

/* Once more: nothing may change. */
static inline void expect_no_change(struct sample *s, const char *targets)
{
	struct error e = { 0 };

	sample_open(s, true);
	inject(s, targets);
	assert_int_equal(guest_image_sync(s->g, &e), 0);
	assert_int_equal(s->journal.count, 0);
	assert_int_equal(overlay_used(s->overlay), 0);
	sample_shut(s);
}

/* The bytes of a file on the volume at `offset` of the saved image; a NUL behind them. */
static inline size_t read_file(
	struct sample *s, const char *offset, const char *path, char *out, size_t size)
{
	char command[512];
	size_t len;
	FILE *f;

	snprintf(command, sizeof(command), "debugfs -R 'cat %s' '%s?offset=%s' 2>/dev/null", path,
		s->image, offset);
	f = popen(command, "r");
	assert_non_null(f);
	len = fread(out, 1, size - 1, f);
	out[len] = 0;
	assert_int_equal(pclose(f), 0);
	return len;
}

static inline void expect_file(
	struct sample *s, const char *offset, const char *path, const char *text)
{
	char have[4096];

	read_file(s, offset, path, have, sizeof(have));
	assert_string_equal(have, text);
}

#endif
