/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg lint: would a cloud take it? */
#include "cloud/lint.h"
#include "job/lint.h"
#include "tools/command.h"
#include "tools/host.h"
#include "tools/interrupt.h"
#include "tools/text.h"

struct lint_settings {
	struct common common;
	const char *glance;
	bool no_digests;
};

static int give_answer(const struct lint_settings *s, const struct lint_job *j,
	const struct report *r, struct error *e)
{
	size_t errors = report_count(r, SEVERITY_ERROR);
	int rc = 0;

	if (s->common.json) {
		rc = print_json(json_pack("{s:o,s:o,s:o}", "glance", number_json(j->glance),
					"errors", number_json(errors), "findings", report_json(r)),
			e);
	} else if (!s->common.quiet) {
		for (size_t i = 0; i < r->count; i++)
			put_finding(stdout, "", &r->finding[i]);
		put_text(stdout, j->what);
		printf(": %zu error%s for Glance %u\n", errors, errors == 1 ? "" : "s", j->glance);
	}
	if (rc)
		return rc;
	return errors ? STATUS_NO : STATUS_DONE;
}

static int stop(void *arg)
{
	(void)arg;
	return interrupted();
}

static int lint_run(const void *settings, char *const *argument, struct error *e)
{
	const struct lint_settings *s = settings;
	struct lint_job job = {
		.what = argument[0],
		.image = argument[1],
		.glance = lint_newest(),
		.tmpdir = scratch_folder(&s->common),
		.stop = stop,
		.no_digests = s->no_digests,
	};
	struct target_list known, named;
	struct report report = { 0 };
	int rc = s->glance ? lint_release(s->glance, &job.glance, e) : 0;

	if (rc)
		return error_prefix(e, "--glance");
	rc = load_targets(NULL, &known, &named, e);
	if (rc)
		return rc;
	job.known = &known;
	rc = job_lint(&job, &report, e);
	if (!rc)
		rc = give_answer(s, &job, &report, e);
	report_free(&report);
	targets_free(&named);
	targets_free(&known);
	return rc;
}

#define FIELD(name) offsetof(struct lint_settings, name)
static const struct option_spec lint_options[] = {
	{ "glance", 0, "VERSION",
		"The Glance to ask for: a major version such as 25, 30 or 33, or a release such as "
		"zed or 2025.1; without it the newest one, which refuses most.",
		option_text, FIELD(glance) },
	{ "no-digests", 0, NULL,
		"Do not read the bundle's files to compare them with its digest files.",
		option_flag, FIELD(no_digests) },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_lint;
const struct command command_lint = {
	.name = "lint",
	.arguments = "BUNDLE|image.json [IMAGE]",
	.argument_count = 2,
	.optional_count = 1,
	.summary = "check whether Glance, Nova and compute-hyperv would take an image",
	.description =
		"Looks at what hvimg package made, or at any body of Glance's POST /v2/images, and "
		"at the image that it describes: the bundle's own, or IMAGE. Without an image only "
		"the description is checked. A bundle that is a tar is unpacked in --tmpdir "
		"meanwhile. Each finding has a code that stays the same, and what "
		"helps.\n\n"
		"The description: types, names and limits of Glance, the values that Nova's "
		"objects "
		"take, likely misspellings, what generation, Secure Boot, virtual TPM and "
		"operating "
		"system of a Hyper-V machine ask of each other.\n\n"
		"The image: what Glance's inspectors find in its first bytes against disk_format, "
		"and their safety checks; fixed VHDs, which new versions do not take; parents, "
		"which they do not see; sizes; and min_disk by the sums of compute-hyperv.\n\n"
		"From Glance 30 (2025.1) on content has to fit disk_format; from 33 (2026.2) on "
		"odd partition tables are refused as well. A cloud's operator may have set it "
		"otherwise.",
	.answer_no = "there are errors",
	.options = lint_options,
	.settings_size = sizeof(struct lint_settings),
	.run = lint_run,
};
