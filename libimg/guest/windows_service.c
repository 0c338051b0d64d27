/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services of Windows: how they are started, and from which file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/firmware.h"
#include "guest/windows.h"

enum { KEY_SIZE = 512 };

/* What follows `prefix`, in any case; NULL: it does not begin so. */
static const char *behind(const char *text, const char *prefix)
{
	const size_t len = strlen(prefix);

	return strncasecmp(text, prefix, len) ? NULL : text + len;
}

static bool has_drive(const char *text)
{
	const char letter = (char)(text[0] | 0x20);

	return letter >= 'a' && letter <= 'z' && text[1] == ':' && text[2] == '\\';
}

/* The command line up to its program: in quotes, else up to an ending and a space. */
static size_t program_len(const char *text)
{
	static const char *const endings[] = { ".sys", ".exe" };

	for (size_t i = 0; text[i]; i++)
		for (size_t k = 0; k < sizeof(endings) / sizeof(endings[0]); k++) {
			const char *after = behind(text + i, endings[k]);

			if (after && (!*after || *after == ' '))
				return (size_t)(after - text);
		}
	return strlen(text);
}

/* With "/" between the names, from the volume's root. */
static int path_make(struct guest_image *g, const char *image, struct buffer *out, struct error *e)
{
	const char *root = windows_of(g)->root, *rest = NULL;
	const size_t quoted = *image == '"';
	size_t len;
	int rc = 0;

	image += quoted;
	len = quoted ? strcspn(image, "\"") : program_len(image);
	if (behind(image, "\\??\\") && has_drive(image + 4)) {
		image += 4;
		len -= 4;
	}
	/* A drive letter is taken for that of the volume that Windows is on. */
	if (has_drive(image)) {
		root = "";
		rest = image + 2;
	}
	if (!rest)
		rest = behind(image, "\\SystemRoot\\");
	if (!rest)
		rest = behind(image, "%SystemRoot%\\");
	if (!rest)
		rest = behind(image, "%windir%\\");
	if (!rest)
		rest = image;
	len -= (size_t)(rest - image);
	rc = buffer_format(out, e, "%s/%.*s", root, (int)len, rest);
	for (size_t i = 0; i < out->len && !rc; i++)
		if (out->data[i] == '\\')
			out->data[i] = '/';
	return rc;
}

/* System32 is large: its own spelling is known. */
static int spelled(struct guest_image *g, const char *path, struct buffer *out, struct error *e)
{
	const char *system32 = windows_of(g)->system32;
	const char *rest = behind(path, system32);

	return rest && *rest == '/' ? firmware_path_below(g->tree, system32, rest, out, e)
				    : firmware_path(g->tree, path, out, e);
}

int windows_image_path(struct guest_image *g, const char *image, char **path, struct error *e)
{
	struct buffer plain = { 0 }, found = { 0 };
	struct error why = { 0 };
	int rc = path_make(g, image, &plain, e);

	*path = NULL;
	if (!rc && spelled(g, buffer_text(&plain), &found, &why))
		rc = error_of_host(&why, e);
	if (!rc && found.len && tree_is(g->tree, buffer_text(&found), S_IFREG))
		*path = (char *)found.data;
	else
		buffer_free(&found);
	buffer_free(&plain);
	return rc;
}

/* "ControlSet001\Services\vmbus"; ERR_RANGE for names that no registry has. */
static int key_make(const char *set, const char *service, const char *below, char key[KEY_SIZE],
	struct error *e)
{
	if ((size_t)snprintf(key, KEY_SIZE, "%s\\Services\\%s%s", set, service, below) >= KEY_SIZE)
		return error_set(e, ERR_RANGE, "service %.64s...: its name is too long", service);
	return 0;
}

int windows_service_file(struct guest_image *g, const char *control_set, const char *service,
	char **path, struct error *e)
{
	struct buffer image = { 0 };
	char key[KEY_SIZE], *text = NULL;
	int rc = key_make(control_set, service, "", key, e);

	*path = NULL;
	if (!rc)
		rc = windows_text(windows_hive(g, WINDOWS_SYSTEM), key, "ImagePath", &text, e);
	/* Without one, a driver is where drivers are. */
	if (!rc && text && *text)
		rc = buffer_string(&image, text, e);
	else if (!rc)
		rc = buffer_format(&image, e, "System32\\drivers\\%s.sys", service);
	if (!rc)
		rc = windows_image_path(g, buffer_text(&image), path, e);
	buffer_free(&image);
	free(text);
	return rc;
}

/* A value a hardware configuration: the one that would start it last counts. */
static int override_load(
	struct guest_image *g, const char *key, struct windows_service *s, struct error *e)
{
	struct hive *h = windows_hive(g, WINDOWS_SYSTEM);
	struct hive_value *value = NULL;
	struct error why = { 0 };
	size_t count = 0;
	int rc = 0;

	if (!hive_has_key(h, key))
		return 0;
	if (hive_values(h, key, &value, &count, &why))
		return error_of_host(&why, e);
	for (size_t i = 0; i < count && !rc; i++) {
		uint32_t start;

		rc = windows_number(h, key, value[i].name, UINT32_MAX, &start, e);
		if (rc || start == UINT32_MAX || (s->has_override && start <= s->override))
			continue;
		s->has_override = true;
		s->override = start;
	}
	hive_values_free(value, count);
	return rc;
}

static int service_load(
	struct guest_image *g, const char *set, struct windows_service *s, struct error *e)
{
	struct hive *h = windows_hive(g, WINDOWS_SYSTEM);
	char key[KEY_SIZE];
	int rc = key_make(set, s->name, "", key, e);

	s->present = !rc && hive_has_key(h, key);
	if (rc || !s->present)
		return rc;
	rc = windows_number(h, key, "Start", UINT32_MAX, &s->start, e);
	s->has_start = s->start != UINT32_MAX;
	if (!s->has_start)
		s->start = 0;
	if (!rc)
		rc = key_make(set, s->name, "\\StartOverride", key, e);
	if (!rc)
		rc = override_load(g, key, s, e);
	if (!rc)
		rc = windows_service_file(g, set, s->name, &s->file, e);
	if (!rc && s->file)
		rc = windows_file_version(g, s->file, &s->version, e);
	return rc;
}

static int service_names(const struct target_list *known, struct strings *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; known && i < known->count; i++)
		for (size_t k = 0; k < known->target[i].driver_count && !rc; k++)
			rc = strings_add_new(out, known->target[i].driver[k].service, e);
	strings_sort(out);
	return rc;
}

int windows_services_load(struct guest_image *g, struct error *e)
{
	struct windows_info *w = g->guest.windows;
	struct strings names = { 0 };
	int rc = service_names(g->known, &names, e);

	if (!rc && names.count && w->current) {
		w->service = calloc(names.count, sizeof(*w->service));
		rc = w->service ? 0 : error_nomem(e, "services");
	}
	for (size_t i = 0; w->service && i < names.count && !rc; i++) {
		struct windows_service *s = &w->service[w->service_count++];

		s->name = strdup(names.item[i]);
		rc = s->name ? service_load(g, w->current, s, e) : error_nomem(e, "services");
	}
	strings_free(&names);
	return rc;
}
