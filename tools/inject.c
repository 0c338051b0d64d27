/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg inject: make the guest ready for other hypervisors on the way to a new image. */
#include <stdlib.h>
#include <string.h>

#include "job/manifest.h"
#include "tools/conversion.h"
#include "tools/host.h"
#include "tools/text.h"

struct inject_settings {
	struct common common;
	struct conversion conversion;
	struct strings targets, drivers, seal;
	struct windows_wishes windows;
	bool allow_unsigned, force_dirty, grow;
	bool dry_run;
	const char *manifest;
};

enum { DATA_SHOWN = 60 };

/* A value in one line; long ones are cut. */
static void print_data(const struct registry_state *s)
{
	json_t *json = registry_data_json(s);
	char *text = json ? json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII)
			  : NULL;

	if (!s->present)
		putchar('-');
	else if (text && strlen(text) > DATA_SHOWN)
		printf("%.*s...", DATA_SHOWN, text);
	else
		fputs(text ? text : "?", stdout);
	free(text);
	json_decref(json);
}

/* Under the name of the hive's file. */
static void print_registry_edit(const struct registry_edit *edit)
{
	const char *slash = strrchr(edit->hive, '/');

	printf("  %-8s ", edit_action_name(edit->action));
	put_text(stdout, slash ? slash + 1 : edit->hive);
	putchar('\\');
	put_text(stdout, edit->key);
	if (edit->value) {
		putchar(' ');
		put_text(stdout, *edit->value ? edit->value : "(default)");
		fputs(": ", stdout);
		print_data(&edit->before);
		fputs(" -> ", stdout);
		print_data(&edit->after);
	}
	fputs(": ", stdout);
	put_text(stdout, edit->why);
	putchar('\n');
}

static void print_edits(const struct inject_job *j, const struct inject_result *r)
{
	printf("%s %zu file%s", j->dry_run ? "would change" : "changed", r->journal.count,
		r->journal.count == 1 ? "" : "s");
	if (r->journal.registry_count)
		printf(" and the registry in %zu place%s", r->journal.registry_count,
			r->journal.registry_count == 1 ? "" : "s");
	printf(", %" PRIu64 " bytes of scratch space\n", r->scratch);
	for (size_t i = 0; i < r->journal.count; i++) {
		const struct edit *edit = &r->journal.edit[i];

		printf("  %-8s ", edit_action_name(edit->action));
		put_text(stdout, edit->path);
		if (edit->why) {
			fputs(": ", stdout);
			put_text(stdout, edit->why);
		}
		putchar('\n');
	}
	for (size_t i = 0; i < r->journal.registry_count; i++)
		print_registry_edit(&r->journal.registry[i]);
}

static int result_json(
	const struct inject_job *j, const struct inject_result *r, json_t **out, struct error *e)
{
	struct strings names = { 0 };
	json_t *manifest = NULL;
	int rc = 0;

	for (size_t i = 0; !rc && i < j->targets->count; i++)
		rc = strings_add(&names, j->targets->target[i].name, e);
	if (!rc)
		rc = manifest_json(&r->journal, &names, &manifest, e);
	strings_free(&names);
	if (rc)
		return rc;
	*out = j->dry_run ? json_object() : conversion_json(&j->convert, &r->convert);
	if (!*out) {
		json_decref(manifest);
		return error_nomem(e, "JSON");
	}
	json_put(out, "dry_run", json_boolean(j->dry_run));
	json_put(out, "scratch", number_json(r->scratch));
	json_put(out, "findings", report_json(&r->notes));
	rc = *out && !json_object_update(*out, manifest) ? 0 : error_nomem(e, "JSON");
	json_decref(manifest);
	if (rc) {
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}

static int run_job(const struct inject_settings *s, struct inject_job *job, struct error *e)
{
	struct inject_result result;
	struct progress progress;
	json_t *json = NULL;
	int rc = progress_from(&s->common, &progress, e);

	if (rc)
		return rc;
	progress_start(&progress, "inject", &job->convert.engine);
	rc = job_inject(job, &result, e);
	progress_end(&progress);
	if (!rc && s->common.json) {
		rc = result_json(job, &result, &json, e);
		if (!rc)
			rc = print_json(json, e);
	} else if (!rc && !s->common.quiet) {
		print_edits(job, &result);
	}
	if (!rc && !s->common.json && !job->dry_run)
		print_hashes(stdout, &job->convert, &result.convert);
	if (!rc)
		say_dropped(&result.convert.dropped);
	for (size_t i = 0; !rc && i < result.notes.count; i++)
		say_note("%s: %s", severity_name(result.notes.finding[i].severity),
			result.notes.finding[i].text);
	inject_result_free(&result);
	return rc;
}

/* "-t a,b -t c" is "-t a,b,c". */
static int join_targets(const struct strings *names, struct buffer *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < names->count; i++)
		rc = buffer_format(out, e, "%s%s", i ? "," : "", names->item[i]);
	return rc;
}

static int inject_run(const void *settings, char *const *argument, struct error *e)
{
	const struct inject_settings *s = settings;
	struct inject_job job = { .dry_run = s->dry_run, .manifest = s->manifest };
	struct target_list known = { 0 }, named = { 0 };
	struct buffer names = { 0 };
	int rc = conversion_job(
		&s->conversion, &s->common, argument[0], argument[1], &job.convert, e);

	if (!rc && !strcmp(argument[1], "-"))
		rc = error_set(e, ERR_USAGE, "-: an injected image is not streamed: name a file");
	if (!rc)
		rc = join_targets(&s->targets, &names, e);
	if (!rc && !s->targets.count && !s->seal.count && !s->drivers.count && !s->grow &&
		!windows_wishes_any(&s->windows))
		rc = error_set(e, ERR_USAGE,
			"-t: no target given, and neither --drivers, --seal, --grow nor an option "
			"for Windows");
	if (!rc)
		rc = load_targets(s->targets.count ? buffer_text(&names) : NULL, &known, &named, e);
	if (!rc) {
		job.known = &known;
		job.targets = &named;
		job.seal = s->seal;
		job.drivers = s->drivers;
		job.allow_unsigned = s->allow_unsigned;
		job.force_dirty = s->force_dirty;
		job.grow = s->grow;
		job.windows = &s->windows;
		job.tmpdir = scratch_folder(&s->common);
		rc = run_job(s, &job, e);
		targets_free(&named);
		targets_free(&known);
	}
	conversion_job_free(&job.convert);
	buffer_free(&names);
	return rc;
}

#define CONVERSION_FIELD(name) offsetof(struct inject_settings, conversion.name)
#define FIELD(name) offsetof(struct inject_settings, name)
static const struct option_spec inject_options[] = {
	{ "target", 't', "TARGET[,TARGET]",
		"What the guest shall be ready for: hyperv-gen1, hyperv-gen2, hyperv (those of "
		"both that "
		"its disk allows), kvm, xen, azure, or a further file of recipes/targets; may be "
		"repeated.",
		option_list, FIELD(targets) },
	{ "drivers", 0, "PATH",
		"For Linux: a kernel module (.ko, .ko.xz, ...), a package or medium that holds "
		"some "
		"(.rpm, .deb, .iso, .zip, .tar), or a folder of these, for the guest's kernels "
		"that "
		"they were built for. For Windows: a driver package's .inf, or a medium (.iso, "
		".cab, .zip, .tar, .rpm) or folder that holds some. May be repeated.",
		option_list, FIELD(drivers) },
	{ "seal", 0, "[OPERATIONS]",
		"Take out what makes the guest one of its kind, see below; with or without -t.",
		option_selection, FIELD(seal) },
	{ "grow", 0, NULL,
		"Let the last partition and its ext2, ext3 or ext4 file system take what is free "
		"behind them, as with --size +2G; with or without -t.",
		option_flag, FIELD(grow) },
	{ "allow-unsigned", 0, NULL,
		"Put driver packages into Windows also when no signed catalogue lists their files "
		"and not every driver has a signature in it. Whether a signature is right and "
		"whose it is Windows checks, not hvimg.",
		option_flag, FIELD(allow_unsigned) },
	{ "force-dirty", 0, NULL,
		"Edit volumes and registry hives that Windows did not leave clean, where what it "
		"had not written back can be given up.",
		option_flag, FIELD(force_dirty) },
	{ "rtc", 0, "utc|local",
		"Windows: what the hardware clock shows. Hyper-V shows local time, KVM usually "
		"UTC.",
		option_text, FIELD(windows.rtc) },
	{ "san-policy", 0, "POLICY",
		"Windows: which further disks it puts online by itself: online-all, "
		"offline-shared, offline-all or offline-internal.",
		option_text, FIELD(windows.san_policy) },
	{ "rdp", 0, "on|off",
		"Windows: whether remote desktop is on, asking who it is first; \"on\" lets it "
		"through the firewall too.",
		option_text, FIELD(windows.rdp) },
	{ "firewall", 0, "LIST",
		"Windows: what its firewall lets in, by its own rules for that: rdp, winrm, icmp, "
		"separated by commas.",
		option_text, FIELD(windows.firewall) },
	{ "unattend", 0, "auto|FILE",
		"Windows, generalized by sysprep: the answer file for its first start. \"auto\" "
		"makes one without accounts and passwords; FILE is checked for what Setup would "
		"pass over.",
		option_text, FIELD(windows.unattend) },
	{ "cloudbase-init", 0, "MSI",
		"Windows: installs cloudbase-init from MSI at its first boot; where it is "
		"installed, only its configuration is edited.",
		option_text, FIELD(windows.cloudbase_init) },
	{ "cloudbase-init-sha256", 0, "HEX", "The digest that MSI must have.", option_text,
		FIELD(windows.cloudbase_init_sha256) },
	{ "cloudbase-init-conf", 0, "FILE",
		"Its configuration (cloudbase-init.conf); without it one is made, or that of the "
		"image edited, that asks the configuration drive first.",
		option_text, FIELD(windows.cloudbase_init_conf) },
	{ "ems", 0, NULL,
		"Windows: its text console (Special Administration Console) on the first serial "
		"port, at 115200 baud.",
		option_flag, FIELD(windows.ems) },
	{ "dry-run", 0, NULL, "Show what would be changed, and write nothing.", option_flag,
		FIELD(dry_run) },
	{ "manifest", 0, "FILE",
		"Where the record of all changes goes; DEST.edits.json without it.", option_text,
		FIELD(manifest) },
	CONVERSION_OPTIONS(CONVERSION_FIELD),
	PARENT_OPTIONS(CONVERSION_FIELD),
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD
#undef CONVERSION_FIELD

extern const struct command command_inject;
const struct command command_inject = {
	.name = "inject",
	.arguments = "SOURCE DEST",
	.argument_count = 2,
	.summary = "make the guest ready for other hypervisors and write a new image",
	.description =
		"Puts what TARGET needs into the guest's initramfs and configuration (file "
		"system tables, boot loader, network), and "
		"writes the result "
		"to DEST as convert does. Nothing of the guest is run or mounted, and "
		"SOURCE is never "
		"written: the changes are kept beside it until DEST is made.\n\n" PARENT_TEXT "\n\n"
		"All drivers come from the guest itself, or from PATH. What was changed is "
		"recorded, with "
		"digests before "
		"and after, in the manifest. A target that cannot be met writes nothing. "
		"Doing it to an "
		"image that is ready already changes nothing in it.\n\n"
		"--drivers puts kernel modules into the guest's own directories of modules, "
		"with new indexes, before anything else is looked at. A module is for the "
		"kernel that its vermagic names, and for no other. Of packages and media, which "
		"may bring modules for many kernels, those for other kernels are passed "
		"over; nothing else of them is installed, and none of their scripts is run. "
		"When nothing of PATH is for one of the guest's kernels, or a module that "
		"one depends on is missing, nothing is written.\n\n"
		"For Windows --drivers lays driver packages down in the guest, each whole, and "
		"Windows installs them by itself at its next start (the log of that is "
		"Drivers\\hvimg\\first-boot.log in its own folder). Of a driver that it needs to "
		"reach its disk, files and registry are made such that it starts before. Of media "
		"that hold packages for many versions, those for the guest's and for devices of "
		"the targets are taken; without -t, for all devices. A driver of the guest's that "
		"is newer stays. Integration services in cabinets are installed by Windows, too. "
		"When nothing of PATH is for the guest, nothing is written.\n\n"
		"--seal prepares the guest for being cloned. OPERATIONS are those of "
		"virt-sysprep --operations: names parted by commas, \"defaults\" and "
		"\"all\", "
		"each also with \"-\" in front to leave it out, as in defaults,-logfiles; "
		"without OPERATIONS it is \"defaults\". Unlike there, net-hostname and "
		"ssh-userdir "
		"are done by request only, cloud-init (its record of what it has done) is a "
		"default, random-seed takes the seed away so that the result is the same "
		"each time, and what would run the guest's programs or change identifiers "
		"of file systems is refused.\n\n"
		"The options for Windows work with and without -t, and for a Windows guest "
		"only. --firewall switches on rules that Windows has; where there are none, "
		"netsh makes one at the first boot. An answer file replaces what Setup would "
		"find before it; what was there is kept beside it as NAME.before-hvimg. The "
		"installer of cloudbase-init is put into Windows\\Drivers\\hvimg and run once, "
		"when Windows starts for the first time. The boot configuration is edited where "
		"it names a partition that is not on the disk, and the boot manager is put where "
		"UEFI firmware without a boot entry looks, never over another system's "
		"loader.\n\n" VIEWS_HELP,
	.answer_no = "the guest cannot be made ready for a target",
	.takes_formats = true,
	.options = inject_options,
	.settings_size = sizeof(struct inject_settings),
	.run = inject_run,
};
