/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An INF read whole: its version, and the devices for one Windows. */
#include "guest/inf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/inf_private.h"

/* [Version] */
struct version {
	struct inf_source *source;
	struct inf *out;
	bool signature;
	unsigned catalog_rank; /* how much for this platform the catalogue is that was named */
};

/* MM/DD/YYYY[,w[.x[.y[.z]]]], spaces allowed ("INF DriverVer directive") */
static int driver_version(struct inf *out, const struct inf_item *item, struct error *e)
{
	const char *date = inf_field(item, 0), *version = inf_field(item, 1);
	unsigned month, day, year, part[4] = { 0 };
	int end = 0, parts = 0;

	if (!*date)
		return 0;
	if (sscanf(date, "%2u / %2u / %4u %n", &month, &day, &year, &end) != 3 || date[end])
		sscanf(date, "%2u - %2u - %4u %n", &month, &day, &year, &end);
	if (!end || date[end] || month < 1 || month > 12 || day < 1 || day > 31 || year < 1601)
		return error_set(e, ERR_CORRUPT, "line %u: \"%.100s\" is no date MM/DD/YYYY",
			item->number, date);
	if (*version) {
		const char *at = version;

		for (end = -1; parts < 4 && sscanf(at, " %5u %n", &part[parts], &end) == 1;
			end = -1) {
			parts++;
			at += end;
			if (*at != '.')
				break;
			at++;
		}
		if (!parts || *at || part[0] > 65535 || part[1] > 65535 || part[2] > 65535 ||
			part[3] > 65535)
			return error_set(e, ERR_CORRUPT,
				"line %u: \"%.100s\" is no version w.x.y.z", item->number, version);
		out->has_version = true;
	}
	out->month = (uint8_t)month;
	out->day = (uint8_t)day;
	out->year = (uint16_t)year;
	for (unsigned i = 0; i < 4; i++)
		out->version[i] = (uint16_t)part[i];
	return 0;
}

static int class_guid(struct inf *out, const struct inf_item *item, struct error *e)
{
	const char *text = inf_field(item, 0);
	static const char shape[] = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";
	size_t i;
	int rc;

	for (i = 0; shape[i] && text[i]; i++)
		if (shape[i] == 'x' ? !strchr("0123456789abcdefABCDEF", text[i])
				    : text[i] != shape[i])
			break;
	if (shape[i] || text[i])
		return error_set(e, ERR_CORRUPT, "line %u: \"%.100s\" is no GUID of a class",
			item->number, text);
	rc = inf_copy(&out->class_guid, text, e);
	if (!rc)
		inf_lower(out->class_guid);
	return rc;
}

/* CatalogFile, or CatalogFile.nt, .ntx86, .ntamd64, ... */
static int catalog(struct version *v, const struct inf_item *item, struct error *e)
{
	const char *suffix = item->key + strlen("CatalogFile");
	const struct inf_platform *p = v->source->platform;
	struct buffer name = { 0 };
	struct inf_decoration d;
	unsigned rank = 1;
	int rc;

	if (*suffix == '.') {
		if (!inf_decoration_read(suffix + 1, p, &d) || !inf_decoration_fits(&d, p))
			return 0;
		rank = d.arch == INF_THIS_ARCH ? 3 : 2;
	} else if (*suffix) {
		return 0;
	}
	if (rank <= v->catalog_rank || !*inf_field(item, 0))
		return 0;
	v->catalog_rank = rank;
	rc = inf_path_append(&name, inf_field(item, 0), item->number, e);
	if (!rc)
		rc = inf_copy(&v->out->catalog, buffer_text(&name), e);
	buffer_free(&name);
	return rc;
}

static int version_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct version *v = arg;
	const char *text = inf_field(item, 0);

	if (inf_key_is(item, "Signature"))
		v->signature = !strcasecmp(text, "$Windows NT$") ||
			!strcasecmp(text, "$Chicago$") || !strcasecmp(text, "$Windows 95$");
	else if (inf_key_is(item, "Class"))
		return inf_copy(&v->out->class_name, text, e);
	else if (inf_key_is(item, "Provider"))
		return inf_copy(&v->out->provider, text, e);
	else if (inf_key_is(item, "ClassGUID") && *text)
		return class_guid(v->out, item, e);
	else if (inf_key_is(item, "DriverVer"))
		return driver_version(v->out, item, e);
	else if (item->key && !strncasecmp(item->key, "CatalogFile", strlen("CatalogFile")))
		return catalog(v, item, e);
	return 0;
}

static int version_read(struct inf_source *s, struct inf *out, struct error *e)
{
	struct version v = { .source = s, .out = out };
	int rc = inf_copy(&out->class_name, "", e);

	if (!rc)
		rc = inf_copy(&out->provider, "", e);
	if (!rc)
		rc = inf_each(s, "Version", version_visit, &v, e);
	if (!rc && !v.signature)
		rc = error_set(e, ERR_CORRUPT,
			"no [Version] with the signature of a Windows INF, \"$Windows NT$\"");
	return rc;
}

static int strings_copy(const struct inf_table *t, struct inf *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < t->count; i++) {
		if (i && !strcmp(t->pair[i].name, t->pair[i - 1].name))
			continue;
		rc = strings_add(&out->string_names, t->pair[i].name, e);
		if (!rc)
			rc = strings_add(&out->string_values, t->pair[i].value, e);
	}
	return rc;
}

static void source_free(struct inf_source *s)
{
	free(s->line);
	free(s->section);
	free(s->device);
	inf_table_free(&s->strings);
	inf_table_free(&s->disk_files);
	buffer_free(&s->text);
}

int inf_parse_counted(const void *bytes, size_t len, const struct inf_platform *p, struct inf *out,
	uint64_t *work, struct error *e)
{
	struct inf inf = { 0 };
	struct inf_source s = { .platform = p, .included = &inf.included };
	int rc = inf_text_decode(bytes, len, &s.text, e);

	if (!rc)
		rc = inf_sections_read(&s, e);
	if (!rc)
		rc = inf_strings_read(&s, e);
	if (!rc)
		rc = strings_copy(&s.strings, &inf, e);
	if (!rc)
		rc = version_read(&s, &inf, e);
	if (!rc)
		rc = inf_disk_files_read(&s, &inf.sources, e);
	if (!rc)
		rc = inf_models_read(&s, &inf, e);
	*work += s.work + len;
	source_free(&s);
	if (rc)
		inf_free(&inf);
	else
		*out = inf;
	return rc;
}

int inf_parse(const void *bytes, size_t len, const struct inf_platform *p, struct inf *out,
	struct error *e)
{
	uint64_t work = 0;

	return inf_parse_counted(bytes, len, p, out, &work, e);
}

static void install_free(struct inf_device *d)
{
	for (size_t i = 0; i < d->file_count; i++) {
		free(d->file[i].name);
		free(d->file[i].source);
		free(d->file[i].subdirectory);
	}
	free(d->file);
	for (size_t i = 0; i < d->service_count; i++)
		inf_service_free(&d->service[i]);
	free(d->service);
	inf_regs_free(&d->registry);
	inf_regs_free(&d->hardware);
	strings_free(&d->upper_filters);
	strings_free(&d->lower_filters);
}

static void device_free(struct inf_device *d)
{
	free(d->description);
	free(d->description_token);
	free(d->manufacturer);
	free(d->manufacturer_token);
	free(d->section);
	strings_free(&d->ids);
	if (!d->shared)
		install_free(d);
}

void inf_free(struct inf *inf)
{
	free(inf->class_name);
	free(inf->class_guid);
	free(inf->provider);
	free(inf->catalog);
	strings_free(&inf->string_names);
	strings_free(&inf->string_values);
	strings_free(&inf->included);
	strings_free(&inf->sources);
	for (size_t i = 0; i < inf->device_count; i++)
		device_free(&inf->device[i]);
	free(inf->device);
	*inf = (struct inf){ 0 };
}

bool inf_device_matches(const struct inf_device *d, const char *pattern)
{
	const size_t len = strlen(pattern);
	const bool begins = len && pattern[len - 1] == '*';

	for (size_t i = 0; i < d->ids.count; i++) {
		const char *id = d->ids.item[i];

		if (begins ? !strncasecmp(id, pattern, len - 1) : !strcasecmp(id, pattern))
			return true;
	}
	return false;
}
