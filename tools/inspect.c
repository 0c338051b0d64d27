/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg inspect: what is in an image, and where it boots. */
#include <stdlib.h>
#include <string.h>

#include "disk/image.h"
#include "tools/command.h"
#include "tools/host.h"
#include "tools/inspection.h"
#include "tools/interrupt.h"
#include "tools/text.h"

struct inspect_settings {
	struct common common;
	const char *format, *allow_parent;
	const char *target;
};

static int find_readiness(struct inspection *i, const struct target_list *known, struct error *e)
{
	int rc = 0;

	i->readiness = calloc(known->count ? known->count : 1, sizeof(*i->readiness));
	if (!i->readiness)
		return error_nomem(e, "readiness");
	for (size_t n = 0; !rc && n < known->count; n++) {
		rc = guest_image_readiness(i->image, &known->target[n], &i->readiness[n], e);
		i->readiness_count += !rc;
	}
	return rc;
}

static bool is_ready(const struct inspection *i, const struct target *t)
{
	for (size_t n = 0; n < i->readiness_count; n++)
		if (!strcmp(i->readiness[n].target->name, t->name))
			return i->readiness[n].ready;
	return false;
}

/* Of a family at least one member has to be ready, of targets named by themselves each. */
static bool all_ready(const struct inspection *i, const struct target_list *named)
{
	for (size_t n = 0; n < named->count; n++) {
		const struct target *t = &named->target[n];
		bool ready = is_ready(i, t);

		for (size_t m = 0; t->by_family && m < named->count; m++)
			if (!strcmp(named->target[m].family, t->family))
				ready = ready || is_ready(i, &named->target[m]);
		if (!ready)
			return false;
	}
	return true;
}

static bool is_interrupted(void *arg)
{
	(void)arg;
	return interrupted();
}

static int inspect_image(const struct inspect_settings *s, struct inspection *i,
	const struct target_list *known, const struct target_list *named, struct error *e)
{
	struct open_options o = { .allow_dir = s->allow_parent };
	int rc = image_open_with(i->path, s->format, &o, &i->disk, &i->format, e);

	if (rc)
		return rc;
	rc = guest_image_open(i->disk,
		&(struct guest_options){ .known = known,
			.tmpdir = scratch_folder(&s->common),
			.cancelled = is_interrupted },
		&i->image, e);
	if (!rc)
		rc = find_readiness(i, known, e);
	if (rc)
		return error_prefix(e, "%s", i->path);
	if (s->common.json)
		rc = print_json(inspection_json(i), e);
	else
		inspection_print(i);
	if (rc)
		return rc;
	return all_ready(i, named) ? STATUS_DONE : STATUS_NO;
}

static int inspect_run(const void *settings, char *const *argument, struct error *e)
{
	const struct inspect_settings *s = settings;
	struct inspection i = { .path = argument[0] };
	struct target_list known, named;
	int rc = load_targets(s->target, &known, &named, e);

	if (rc)
		return rc;
	rc = inspect_image(s, &i, &known, &named, e);
	for (size_t n = 0; n < i.readiness_count; n++)
		readiness_free(&i.readiness[n]);
	free(i.readiness);
	guest_image_close(i.image);
	disk_close(i.disk);
	targets_free(&named);
	targets_free(&known);
	return rc;
}

#define FIELD(name) offsetof(struct inspect_settings, name)
static const struct option_spec inspect_options[] = {
	{ "format", 'f', "FORMAT", "The image's format; without it the content decides.",
		option_text, FIELD(format) },
	{ "target", 't', "TARGET[,TARGET]",
		"Exit with status 3 when the guest is not ready for it.", option_text,
		FIELD(target) },
	ALLOW_PARENT_OPTION(FIELD(allow_parent)),
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_inspect;
const struct command command_inspect = {
	.name = "inspect",
	.arguments = "IMAGE",
	.argument_count = 1,
	.summary = "show volumes, file systems and guest of an image, and where it boots",
	.description =
		"Looks into IMAGE without running or mounting anything of it: partitions, file "
		"systems, the guest, and for each hypervisor that hvimg knows whether the guest "
		"would boot there, why not, and what helps.  Of a Linux guest it shows the kernels "
		"and what their initramfs holds, of Windows its version and edition, the state "
		"that it was left in (hibernated, waiting for a restart, registry not written "
		"back), how the drivers that a hypervisor needs are started, and the boot "
		"entries.\n\n"
		"A target is the name of a hypervisor's machine type or of a family of "
		"them; of a family at "
		"least one member has to be ready.  The table of targets shows all there "
		"are, and below it each finding once, with the targets that it is of.  evidence "
		"tells whether such a guest was run on that hypervisor (tested), or readiness "
		"follows from what the hypervisor needs (inferred).",
	.answer_no = "the guest is not ready for --target",
	.options = inspect_options,
	.settings_size = sizeof(struct inspect_settings),
	.run = inspect_run,
};
