/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What inspect shows of Windows beside what every guest has. */
#include <string.h>

#include "tools/inspection.h"
#include "tools/text.h"

static json_t *service_json(const struct windows_service *s)
{
	if (!s->present)
		return json_null();
	return json_pack("{s:o,s:o,s:o,s:o}", "start",
		s->has_start ? number_json(s->start) : json_null(), "override",
		s->has_override ? number_json(s->override) : json_null(), "driver",
		text_json(s->file), "version", text_json(s->version));
}

static json_t *services_json(const struct windows_info *w)
{
	json_t *object = json_object();

	for (size_t i = 0; i < w->service_count; i++)
		json_put(&object, w->service[i].name, service_json(&w->service[i]));
	return object;
}

static json_t *entries_json(const struct windows_bcd *b)
{
	json_t *array = json_array();

	for (size_t i = 0; i < b->entry_count; i++) {
		const struct windows_boot_entry *n = &b->entry[i];

		json_add(&array,
			json_pack("{s:o,s:o,s:o,s:o,s:o,s:b,s:b}", "guid", text_json(n->guid),
				"kind", text_json(n->kind), "description",
				text_json(n->description), "path", text_json(n->path), "device",
				text_json(n->device), "default", n->is_default, "found", n->found));
	}
	return array;
}

static json_t *stores_json(const struct windows_info *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->bcd_count; i++) {
		const struct windows_bcd *b = &w->bcd[i];

		json_add(&array,
			json_pack("{s:o,s:o,s:o,s:o,s:o}", "path", text_json(b->path), "volume",
				text_json(b->volume), "firmware", text_json(b->firmware), "problem",
				text_json(b->problem), "entries", entries_json(b)));
	}
	return array;
}

json_t *windows_json(const struct windows_info *w)
{
	json_t *object = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
		"product", text_json(w->product), "version", text_json(w->version), "build",
		w->build ? number_json(w->build) : json_null(), "release", text_json(w->release),
		"edition", text_json(w->edition), "install_type", text_json(w->install_type),
		"arch", text_json(w->arch), "language", text_json(w->language), "hostname",
		text_json(w->hostname), "system_root", text_json(w->system_root), "image_state",
		text_json(w->image_state), "control_sets", strings_json(&w->control_sets),
		"current", text_json(w->current));

	json_put(&object, "pending_reboot", json_boolean(w->pending_reboot.count));
	json_put(&object, "pending_reboot_reasons", strings_json(&w->pending_reboot));
	json_put(&object, "evaluation", json_boolean(w->evaluation));
	json_put(&object, "generalized", json_boolean(w->generalized));
	json_put(&object, "hive_dirty", json_boolean(w->hive_dirty));
	json_put(&object, "hibernated", json_boolean(w->hibernated));
	json_put(&object, "bitlocker", json_boolean(w->bitlocker));
	json_put(&object, "services", services_json(w));
	json_put(&object, "bcd", stores_json(w));
	return object;
}

/* One thing more in a line that begins with `title`. */
static void put_item(const char *title, bool *begun, const char *before, const char *text)
{
	if (!text || !*text)
		return;
	printf("%s%s", *begun ? ", " : title, before);
	put_text(stdout, text);
	*begun = true;
}

static void line_end(bool begun)
{
	if (begun)
		putchar('\n');
}

static void print_version(const struct windows_info *w)
{
	bool begun = false;

	put_item("  Windows ", &begun, "", w->version);
	put_item("  Windows ", &begun, "", w->release);
	put_item("  Windows ", &begun, "edition ", w->edition);
	put_item("  Windows ", &begun, "", w->install_type);
	put_item("  Windows ", &begun, "language ", w->language);
	put_item("  Windows ", &begun, "in ", w->system_root);
	line_end(begun);
	begun = false;
	put_item("  registry ", &begun, "", w->current);
	for (size_t i = 0; i < w->control_sets.count; i++)
		if (!w->current || strcmp(w->control_sets.item[i], w->current) != 0)
			put_item("  registry ", &begun, "also ", w->control_sets.item[i]);
	put_item("  registry ", &begun, "host name ", w->hostname);
	line_end(begun);
}

static void print_state(const struct windows_info *w)
{
	bool begun = false;

	put_item("  state ", &begun, "", w->image_state);
	put_item("  state ", &begun, "", w->generalized ? "generalized" : NULL);
	put_item("  state ", &begun, "", w->evaluation ? "evaluation edition" : NULL);
	put_item("  state ", &begun, "", w->hibernated ? "hibernated" : NULL);
	put_item("  state ", &begun, "", w->hive_dirty ? "registry not written back" : NULL);
	put_item("  state ", &begun, "", w->bitlocker ? "a volume under BitLocker" : NULL);
	for (size_t i = 0; i < w->pending_reboot.count; i++)
		put_item("  state ", &begun, "restart pending: ", w->pending_reboot.item[i]);
	line_end(begun);
}

/* What counts where the service has both is not known before it runs: both are told. */
static const char *start_name(const struct windows_service *s)
{
	static const char *const names[] = { "boot", "system", "automatic", "on demand",
		"disabled" };

	if (s->has_override)
		return "overridden";
	if (!s->has_start || s->start >= sizeof(names) / sizeof(names[0]))
		return "unknown";
	return names[s->start];
}

/* Services of one kind of start, in lines no longer than a terminal's. */
static void print_started(const struct windows_info *w, const char *start)
{
	enum { WIDTH = 100, INDENT = 26 };
	size_t column = 0;

	for (size_t i = 0; i < w->service_count; i++) {
		const struct windows_service *s = &w->service[i];
		size_t len = strlen(s->name) + 1;

		/* What a target misses is in its findings. */
		if (!s->present || strcmp(start_name(s), start) != 0)
			continue;
		if (!column)
			column = (size_t)printf("  drivers %-16s", start);
		if (column + len > WIDTH) {
			printf("\n%*s", INDENT, "");
			column = INDENT;
		}
		putchar(' ');
		put_text(stdout, s->name);
		column += len;
	}
	line_end(column);
}

static void print_store(const struct windows_bcd *b)
{
	fputs("  boot entries of ", stdout);
	put_text(stdout, b->path);
	fputs(" on ", stdout);
	put_text(stdout, b->volume);
	printf(" (%s)", b->firmware);
	if (b->problem) {
		fputs(": ", stdout);
		put_text(stdout, b->problem);
	}
	putchar('\n');
	for (size_t i = 0; i < b->entry_count; i++) {
		const struct windows_boot_entry *n = &b->entry[i];
		bool begun = false;

		put_item("    ", &begun, "", n->kind);
		put_item("    ", &begun, "", n->description ? n->description : n->guid);
		put_item("    ", &begun, "", n->path);
		put_item("    ", &begun, "from ", n->device);
		put_item("    ", &begun, "", n->is_default ? "the default" : NULL);
		put_item("    ", &begun, "", n->found ? NULL : "not found");
		line_end(begun);
	}
}

void windows_print(const struct windows_info *w)
{
	static const char *const starts[] = { "boot", "system", "automatic", "on demand",
		"overridden", "disabled", "unknown" };

	print_version(w);
	print_state(w);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		print_started(w, starts[i]);
	for (size_t i = 0; i < w->bcd_count; i++)
		print_store(&w->bcd[i]);
}
