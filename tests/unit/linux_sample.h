/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_LINUX_SAMPLE_H
#define TESTS_UNIT_LINUX_SAMPLE_H

/* Made-up Linux guests for tests, opened over an overlay.  Made by tests/unit/linux-guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk/host_file.h"
#include "disk/overlay.h"
#include "guest/guest.h"

#define VERSION "6.1.0-1-made-up"
#define ROOT_UUID "UUID=11111111-2222-3333-4444-555555555555"

struct sample {
	char directory[64], image[96];
	struct disk *file, *overlay;
	struct journal journal;
	struct target_list known;
	struct guest_image *g;
};

static inline void run(const char *command)
{
	if (system(command))
		fail_msg("%s", command);
}

/* Opens the file anew: nothing edited so far is seen. */
static inline void sample_open(struct sample *s, bool write)
{
	struct error e = { 0 };

	s->journal = (struct journal){ 0 };
	assert_int_equal(host_file_open(s->image, &s->file, &e), 0);
	assert_int_equal(overlay_open(s->file, "/tmp", 64 << 20, &s->overlay, &e), 0);
	if (guest_image_open(s->overlay,
		    &(struct guest_options){
			    .write = write, .journal = &s->journal, .known = &s->known },
		    &s->g, &e))
		fail_msg("%s", e.text);
}

static inline void sample_shut(struct sample *s)
{
	guest_image_close(s->g);
	disk_close(s->overlay);
	disk_close(s->file);
	journal_free(&s->journal);
}

/* `settings`: environment of the script. */
static inline void sample_make(struct sample *s, const char *settings)
{
	char command[2048];
	struct error e = { 0 };

	memset(s, 0, sizeof(*s));
	strcpy(s->directory, "/tmp/hvimg-linux-XXXXXX");
	assert_non_null(mkdtemp(s->directory));
	snprintf(s->image, sizeof(s->image), "%s/image", s->directory);
	snprintf(command, sizeof(command), "%s tests/unit/linux-guest %s", settings, s->image);
	run(command);
	assert_int_equal(targets_load_all("recipes", &s->known, &e), 0);
}

static inline void sample_remove(struct sample *s)
{
	char command[128];

	targets_free(&s->known);
	snprintf(command, sizeof(command), "rm -rf %s", s->directory);
	run(command);
}

/* Ends the editing and puts the result in place of the image. */
static inline void sample_save(struct sample *s)
{
	struct error e = { 0 };
	static char piece[1 << 20];
	char path[128];
	FILE *f;

	assert_int_equal(guest_image_sync(s->g, &e), 0);
	guest_image_close(s->g);
	s->g = NULL;
	assert_int_equal(overlay_freeze(s->overlay, &e), 0);
	snprintf(path, sizeof(path), "%s.new", s->image);
	f = fopen(path, "wb");
	assert_non_null(f);
	for (uint64_t off = 0; off < s->overlay->size; off += sizeof(piece)) {
		size_t len = s->overlay->size - off < sizeof(piece)
			? (size_t)(s->overlay->size - off)
			: sizeof(piece);

		assert_int_equal(disk_read(s->overlay, off, piece, len, &e), 0);
		assert_int_equal(fwrite(piece, 1, len, f), len);
	}
	assert_int_equal(fclose(f), 0);
	sample_shut(s);
	assert_int_equal(rename(path, s->image), 0);
}

static inline struct readiness readiness_of(struct sample *s, const char *target)
{
	struct readiness r;
	struct error e = { 0 };

	if (guest_image_readiness(s->g, target_by_name(&s->known, target), &r, &e))
		fail_msg("%s", e.text);
	return r;
}

/* Number of findings of that code whose text holds `says`. */
static inline size_t findings(const struct report *r, const char *code, const char *says)
{
	size_t count = 0;

	for (size_t i = 0; i < r->count; i++)
		count += !strcmp(r->finding[i].code, code) &&
			(!says || strstr(r->finding[i].text, says));
	return count;
}

static inline void findings_print(const struct report *r)
{
	for (size_t i = 0; i < r->count; i++)
		fprintf(stderr, "%s %s: %s\n", severity_name(r->finding[i].severity),
			r->finding[i].code, r->finding[i].text);
}

#endif
