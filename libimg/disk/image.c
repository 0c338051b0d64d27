/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which container a file is.  The content decides and never the name, and what could be two things
 * is neither: an image that one tool takes for raw and the next for qcow2 leaks files of the host.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "disk/chain.h"
#include "disk/host_file.h"
#include "disk/image.h"
#include "disk/known.h"

enum { TAIL_SIZE = 512, RAW_SECTOR = 512 };

struct sample {
	struct probe probe;
	uint8_t *bytes; /* head, then tail */
};

static int sample_load(struct disk *file, struct sample *out, struct error *e)
{
	size_t head = file->size < PROBE_SIZE ? (size_t)file->size : PROBE_SIZE;
	uint8_t *bytes;
	int rc;

	if (!file->size)
		return error_set(e, ERR_CORRUPT, "the file is empty");
	bytes = malloc(PROBE_SIZE + TAIL_SIZE);
	if (!bytes)
		return error_nomem(e, "a look at the file");
	rc = disk_read(file, 0, bytes, head, e);
	if (!rc && file->size >= TAIL_SIZE)
		rc = disk_read(file, file->size - TAIL_SIZE, bytes + PROBE_SIZE, TAIL_SIZE, e);
	if (rc) {
		free(bytes);
		return rc;
	}
	out->bytes = bytes;
	out->probe = (struct probe){
		.head = bytes,
		.head_len = head,
		.tail = file->size >= TAIL_SIZE ? bytes + PROBE_SIZE : NULL,
		.size = file->size,
	};
	return 0;
}

/* Who says that the file is theirs. */
struct claims {
	size_t count;
	bool doubtful; /* the fallback may be right */
	const struct format *format; /* the last format that did, NULL when none */
	const struct format *fallback;
	struct buffer names;
};

static int claim_add(struct claims *c, const char *name, struct error *e)
{
	c->count++;
	return buffer_format(&c->names, e, "%s%s", c->names.len ? " and " : "", name);
}

static int claims_collect(const struct probe *p, struct claims *c, struct error *e)
{
	const char *known;
	int rc = 0;

	for (const struct format *const *f = format_list; *f && !rc; f++) {
		enum probe_answer answer = (*f)->probe(p);

		c->doubtful |= answer == PROBE_DOUBTFUL;
		if (answer == PROBE_YES || answer == PROBE_DOUBTFUL) {
			c->format = *f;
			rc = claim_add(c, (*f)->name, e);
		} else if (answer == PROBE_FALLBACK) {
			c->fallback = *f;
		}
	}
	for (size_t i = 0; !rc && (known = known_container(p, i)); i++)
		rc = claim_add(c, known, e);
	if (!rc && c->doubtful && c->count == 1 && c->fallback)
		rc = claim_add(c, c->fallback->name, e);
	return rc;
}

/* Nobody claims the file: is it a raw disk? */
static int take_fallback(const struct probe *p, const struct format *fallback,
	const struct format **out, struct error *e)
{
	const char *content = known_content(p);

	if (content)
		return error_set(e, ERR_UNSUPPORTED,
			"the content is %s, not a disk; -f raw takes it all the same", content);
	if (p->size % RAW_SECTOR || !fallback)
		return error_set(e, ERR_UNSUPPORTED,
			"the content is no known container, and %llu bytes are no whole number of "
			"sectors; -f raw takes it all the same",
			(unsigned long long)p->size);
	*out = fallback;
	return 0;
}

static int claims_decide(
	const struct claims *c, const struct probe *p, const struct format **out, struct error *e)
{
	if (!c->count)
		return take_fallback(p, c->fallback, out, e);
	if (c->count > 1)
		return error_set(e, ERR_REFUSED,
			"the content could be %s; -f FORMAT says which it is",
			buffer_text(&c->names));
	if (!c->format)
		return error_set(e, ERR_UNSUPPORTED, "the content is %s, which is not read",
			buffer_text(&c->names));
	*out = c->format;
	return 0;
}

const struct format *image_remains(struct disk *file)
{
	for (const struct format *const *f = format_list; *f; f++) {
		if ((*f)->remains && (*f)->remains(file))
			return *f;
	}
	return NULL;
}

/* A damaged container that is taken for a raw disk becomes an image of its own tables. */
static int damage_check(struct disk *file, struct error *e)
{
	const struct format *f = image_remains(file);

	if (!f)
		return 0;
	return error_set(e, ERR_CORRUPT,
		"the content is what is left of a damaged %s: hvimg check -f %s tells more; -f raw "
		"takes it all the same",
		f->name, f->name);
}

int image_probe(struct disk *file, const struct format **out, struct error *e)
{
	struct claims c = { 0 };
	struct sample s;
	int rc = sample_load(file, &s, e);

	if (rc)
		return rc;
	rc = claims_collect(&s.probe, &c, e);
	if (!rc)
		rc = claims_decide(&c, &s.probe, out, e);
	if (!rc && *out == c.fallback)
		rc = damage_check(file, e);
	buffer_free(&c.names);
	free(s.bytes);
	return rc;
}

/* The layout of a VHD Set is not published: only its name keeps it from being taken for raw. */
static int fallback_check(const char *path, const struct format *format, struct error *e)
{
	const char *dot = path ? strrchr(path, '.') : NULL;

	if (!dot || strcasecmp(dot, ".vhds") != 0 || strcmp(format->name, "raw") != 0)
		return 0;
	return error_set(e, ERR_UNSUPPORTED,
		"a VHD Set, which is not read: the disk is in the .avhdx beside it; -f raw takes "
		"it all the same");
}

/* Opens what is in `file` and fills its link of the chain. */
static int content_open(struct disk *file, const struct open_options *o,
	const struct format *format, struct chain_link *link, struct disk **out, struct error *e)
{
	int rc = 0;

	if (!file->size)
		rc = error_set(e, ERR_CORRUPT, "the file is empty");
	else if (!format && !(rc = image_probe(file, &format, e)))
		rc = fallback_check(o->path, format, e);
	if (!rc && o->snapshot && !format->has_snapshots)
		rc = error_set(e, ERR_USAGE, "snapshot %.64s: a %s image has no internal snapshots",
			o->snapshot, format->name);
	if (!rc)
		rc = format->open(file, o, out, e);
	if (rc)
		return rc;
	link->format = format;
	link->size = (*out)->size;
	return 0;
}

/* The folder that "" stands for; the caller frees it. */
static char *own_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static int file_open(const char *path, const struct format *format, struct open_options *o,
	struct disk **out, const struct format **used, struct error *e)
{
	struct chain_link *link;
	struct disk *file;
	int rc = host_file_open(path, &file, e);

	if (rc)
		return rc;
	rc = chain_add(o->chain, path, file, &link, e);
	if (!rc)
		rc = content_open(file, o, format, link, out, e);
	if (rc)
		disk_close(file);
	else if (used)
		*used = link->format;
	return rc;
}

int image_open_with(const char *path, const char *format, const struct open_options *o,
	struct disk **out, const struct format **used, struct error *e)
{
	struct open_options inner = o ? *o : (struct open_options){ 0 };
	const struct format *forced = NULL;
	struct chain chain = { 0 };
	char *folder = NULL;
	int rc;

	if (format) {
		rc = format_named(format, &forced, e);
		if (rc)
			return rc;
	}
	if (inner.allow_dir && !*inner.allow_dir) {
		folder = own_folder(path);
		if (!folder)
			return error_nomem(e, "a file name");
		inner.allow_dir = folder;
	}
	inner.path = path;
	if (!inner.chain)
		inner.chain = &chain;
	rc = file_open(path, forced, &inner, out, used, e);
	chain_free(&chain);
	free(folder);
	return rc ? error_prefix(e, "%s", path) : 0;
}

int image_open(const char *path, const char *format, struct disk **out, const struct format **used,
	struct error *e)
{
	return image_open_with(path, format, NULL, out, used, e);
}
