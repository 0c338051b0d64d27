/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg compare: is what the guest sees the same? */
#include "disk/convert.h"
#include "disk/image.h"
#include "tools/command.h"
#include "tools/text.h"

struct compare_settings {
	struct common common;
	const char *format, *other_format, *allow_parent;
	bool strict;
};

static int give_answer(
	const struct compare_settings *s, char *const *path, uint64_t at, struct error *e)
{
	bool same = at == UINT64_MAX;
	int rc = 0;

	if (s->common.json)
		rc = print_json(json_pack("{s:b,s:o}", "identical", same, "offset",
					same ? json_null() : number_json(at)),
			e);
	else if (same && !s->common.quiet)
		puts("the images are identical");
	else if (!same && !s->common.quiet) {
		put_text(stdout, path[0]);
		fputs(" and ", stdout);
		put_text(stdout, path[1]);
		printf(" differ at offset %" PRIu64 "\n", at);
	}
	if (rc)
		return rc;
	return same ? STATUS_DONE : STATUS_NO;
}

/* One whose parent is missing, or not allowed, is told by its name. */
static int image_take(const char *path, const char *format, const struct open_options *o,
	struct disk **out, struct error *e)
{
	uint8_t sector[512];
	int rc = image_open_with(path, format, o, out, NULL, e);

	if (rc || (*out)->size < sizeof(sector))
		return rc;
	rc = disk_read(*out, 0, sector, sizeof(sector), e);
	return rc ? error_prefix(e, "%s", path) : 0;
}

static int compare_run(const void *settings, char *const *argument, struct error *e)
{
	const struct compare_settings *s = settings;
	struct convert_options engine = { .threads = s->common.threads };
	struct open_options o = { .allow_dir = s->allow_parent };
	struct progress progress;
	struct disk *a = NULL, *b = NULL;
	uint64_t at = UINT64_MAX;
	int rc = progress_from(&s->common, &progress, e);

	if (rc)
		return rc;
	rc = image_take(argument[0], s->format, &o, &a, e);
	if (!rc)
		rc = image_take(argument[1], s->other_format, &o, &b, e);
	if (!rc) {
		progress_start(&progress, "compare", &engine);
		rc = compare(a, b, s->strict, &engine, &at, e);
		progress_end(&progress);
		if (rc)
			error_prefix(e, "%s and %s", argument[0], argument[1]);
	}
	disk_close(b);
	disk_close(a);
	return rc ? rc : give_answer(s, argument, at, e);
}

#define FIELD(name) offsetof(struct compare_settings, name)
static const struct option_spec compare_options[] = {
	{ "format", 'f', "FORMAT", "A's format; without it the content decides.", option_text,
		FIELD(format) },
	{ "other-format", 'F', "FORMAT", "B's format; without it the content decides.", option_text,
		FIELD(other_format) },
	{ "strict", 's', NULL, "A longer tail of zeros is a difference.", option_flag,
		FIELD(strict) },
	ALLOW_PARENT_OPTION(FIELD(allow_parent)),
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_compare;
const struct command command_compare = {
	.name = "compare",
	.arguments = "A B",
	.argument_count = 2,
	.summary = "tell whether two images hold the same content",
	.description = "Compares the bytes that a guest would see, whatever the containers. When "
		       "one image is "
		       "longer and the rest of it is zeros, the two count as the same unless "
		       "--strict is given."
		       "\n\nWhere qemu-img compare exits with status 1 for images that differ, "
		       "hvimg exits with "
		       "3; 1 means that the comparison failed.",
	.answer_no = "the images differ",
	.options = compare_options,
	.settings_size = sizeof(struct compare_settings),
	.run = compare_run,
};
