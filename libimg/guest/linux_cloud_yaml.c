/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_cloud_yaml.h"

#include <string.h>

#include <yaml.h>

enum { LIST_LIMIT = 64, NAME_LIMIT = 64 };

/* Where the events are in the document: depth 1 is inside the mapping that is the whole file. */
struct walk {
	unsigned depth;
	bool value; /* at depth 1 a value is next, not a key */
	bool wanted; /* that value is the list's */
	bool inside; /* of the list */
	bool unclear;
	bool found;
	struct strings list;
};

/* Keys that change how files are merged, or which are read. */
static bool changes_rules(const char *key)
{
	return !strcmp(key, "merge_how") || !strcmp(key, "merge_type") || !strcmp(key, "conf_d");
}

static bool is_plain(const char *name)
{
	size_t len = strlen(name);

	return len && len <= NAME_LIMIT &&
		len ==
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
}

static int scalar(struct walk *w, const char *text, struct error *e)
{
	if (w->inside && w->depth == 2) {
		if (!is_plain(text) || w->list.count == LIST_LIMIT) {
			w->unclear = true;
			return 0;
		}
		return strings_add_new(&w->list, text, e);
	}
	if (w->depth != 1)
		return 0;
	if (w->value) {
		w->unclear = w->unclear || w->wanted;
	} else {
		w->wanted = !strcmp(text, "datasource_list");
		w->unclear = w->unclear || changes_rules(text);
	}
	w->value = !w->value;
	return 0;
}

static void begin(struct walk *w, bool sequence)
{
	if (w->depth == 1 && w->wanted && w->value) {
		w->unclear = w->unclear || !sequence;
		w->inside = sequence;
		w->found = true;
		strings_free(&w->list);
	} else if (!w->depth || (w->depth == 1 && !w->value) || w->inside) {
		/* A file that is no mapping, a key that is no text, a list in the list. */
		w->unclear = w->unclear || w->depth || sequence;
	}
	w->depth++;
}

static void end(struct walk *w)
{
	w->depth--;
	if (w->depth != 1)
		return;
	w->value = !w->value;
	w->inside = w->wanted = false;
}

static int event_take(struct walk *w, const yaml_event_t *v, struct error *e)
{
	switch (v->type) {
	case YAML_SCALAR_EVENT:
		return scalar(w, (const char *)v->data.scalar.value, e);
	case YAML_ALIAS_EVENT:
		w->unclear = w->unclear || w->inside || (w->depth == 1 && (!w->value || w->wanted));
		if (w->depth == 1)
			w->value = !w->value;
		return 0;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		begin(w, v->type == YAML_SEQUENCE_START_EVENT);
		return 0;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		end(w);
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	default:
		return 0;
	}
}

static int events_read(yaml_parser_t *p, struct walk *w, struct error *e)
{
	bool more = true;
	int rc = 0;

	while (more && !rc && !w->unclear) {
		yaml_event_t v;

		if (!yaml_parser_parse(p, &v)) {
			if (p->error == YAML_MEMORY_ERROR)
				return error_nomem(e, "a YAML file");
			w->unclear = true;
			return 0;
		}
		more = v.type != YAML_STREAM_END_EVENT;
		rc = event_take(w, &v, e);
		yaml_event_delete(&v);
	}
	return rc;
}

int cloud_yaml_read(
	const struct buffer *text, enum cloud_yaml *kind, struct strings *out, struct error *e)
{
	struct walk w = { 0 };
	yaml_parser_t p;
	int rc;

	if (!yaml_parser_initialize(&p))
		return error_nomem(e, "a YAML file");
	yaml_parser_set_input_string(&p, (const unsigned char *)buffer_text(text), text->len);
	rc = events_read(&p, &w, e);
	yaml_parser_delete(&p);
	if (!rc)
		*kind = w.unclear ? CLOUD_YAML_UNCLEAR
			: w.found ? CLOUD_YAML_LIST
				  : CLOUD_YAML_SILENT;
	if (rc || !w.found || w.unclear) {
		strings_free(&w.list);
		return rc;
	}
	strings_free(out);
	*out = w.list;
	return 0;
}
