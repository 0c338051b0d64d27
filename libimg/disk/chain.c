/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/host_file.h"
#include "disk/image.h"
#include "disk/lookup.h"

static struct chain_link *link_find(struct chain *c, const struct chain_link *l)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->link[i].device == l->device && c->link[i].inode == l->inode)
			return &c->link[i];
	return NULL;
}

static int room_check(const struct chain *c, bool data, struct error *e)
{
	if (data && c->data == CHAIN_DATA_MAX)
		return error_set(e, ERR_UNSUPPORTED, "it would be data file %u; %u is the limit",
			CHAIN_DATA_MAX + 1u, (unsigned)CHAIN_DATA_MAX);
	if (!data && c->count - c->data == CHAIN_MAX)
		return error_set(e, ERR_REFUSED,
			"it would be file %u of the chain; %u is the limit", CHAIN_MAX + 1u,
			(unsigned)CHAIN_MAX);
	return 0;
}

static int link_add(struct chain *c, const char *path, struct disk *file, bool data,
	struct chain_link **link, struct error *e)
{
	struct chain_link l = { .data = data }, *known;
	int rc = host_file_identity(file, &l.device, &l.inode, e);

	if (rc)
		return rc;
	known = link_find(c, &l);
	/* Several extents may be in one file. */
	if (known && data && known->data) {
		*link = known;
		return 0;
	}
	if (known)
		return error_set(e, ERR_REFUSED,
			"the file is part of the chain already: the references go round in "
			"circles");
	rc = room_check(c, data, e);
	if (rc)
		return rc;
	l.path = strdup(path);
	if (!l.path)
		return error_nomem(e, "a file name");
	c->link[c->count] = l;
	c->data += data;
	*link = &c->link[c->count++];
	return 0;
}

int chain_add(struct chain *c, const char *path, struct disk *file, struct chain_link **link,
	struct error *e)
{
	return link_add(c, path, file, false, link, e);
}

void chain_free(struct chain *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->link[i].path);
	c->count = 0;
	c->data = 0;
}

void chain_file_close(struct chain_file *f)
{
	disk_close(f->disk);
	free(f->path);
	*f = (struct chain_file){ 0 };
}

/* A file that merely contains nothing known could be any file of the host, so raw has to be said.
 */
static int format_choose(
	struct disk *file, const struct reference *r, const struct format **out, struct error *e)
{
	int rc;

	if (r->format) {
		*out = format_by_name(r->format);
		return *out ? 0
			    : error_set(e, ERR_UNSUPPORTED, "format %.64s, which is not read",
				      r->format);
	}
	rc = image_probe(file, out, e);
	if (!rc && strcmp((*out)->name, "raw") == 0)
		rc = error_set(e, ERR_REFUSED,
			"the content is no known container and the image that refers to it does "
			"not say that it is raw");
	return rc;
}

/*
 * Opens the image in `file`, which may refer to further files: the calls nest, at most CHAIN_MAX
 * deep.  Takes over `file` when it succeeds.
 */
static int content_open(const struct open_options *o, const struct reference *r, struct disk *file,
	struct chain_link *link, struct chain_file *out, struct error *e)
{
	struct open_options inner = { .allow_dir = o->allow_dir, .chain = o->chain };
	const struct format *format = NULL;
	struct disk *disk;
	int rc;

	if (r->data) {
		*out = (struct chain_file){ .disk = file };
		return 0;
	}
	inner.path = link->path;
	rc = format_choose(file, r, &format, e);
	if (!rc)
		rc = format->open(file, &inner, &disk, e);
	if (rc)
		return rc;
	link->format = format;
	link->size = disk->size;
	*out = (struct chain_file){ .disk = disk, .format = format };
	return 0;
}

/* Takes over `file` when it succeeds; *path too. */
static int file_take(const struct open_options *o, const struct reference *r, struct disk *file,
	char **path, struct chain_file *out, struct error *e)
{
	struct chain_link *link;
	int rc = link_add(o->chain, *path, file, r->data, &link, e);

	if (!rc)
		rc = content_open(o, r, file, link, out, e);
	if (rc)
		return rc;
	out->path = *path;
	*path = NULL;
	return 0;
}

/* That a name leads to nothing that can be opened says something of the image, not of the host. */
static int unopened(int rc, struct error *e)
{
	if (rc != -ERR_IO)
		return rc;
	if (e)
		e->code = ERR_REFUSED;
	return -ERR_REFUSED;
}

static int found_open(const struct open_options *o, const struct reference *r, struct lookup *l,
	struct chain_file *out, struct error *e)
{
	struct disk *file = NULL;
	int rc = unopened(lookup_file(l, &file, e), e);

	if (!rc)
		rc = file_take(o, r, file, &l->path, out, e);
	if (rc)
		disk_close(file);
	return rc ? error_prefix(e, "%s", l->path) : 0;
}

/* Who opens the image has said where its parent is. */
static int named_open(const struct open_options *o, const struct reference *r,
	struct chain_file *out, struct error *e)
{
	char *path = strdup(o->parent);
	struct disk *file = NULL;
	int rc = path ? host_file_open(path, &file, e) : error_nomem(e, "a file name");

	rc = unopened(rc, e);
	if (!rc)
		rc = file_take(o, r, file, &path, out, e);
	if (rc)
		disk_close(file);
	free(path);
	return rc ? error_prefix(e, "%s", o->parent) : 0;
}

int chain_open(const struct open_options *o, const struct reference *r, struct chain_file *out,
	struct error *e)
{
	struct lookup l;
	int rc;

	*out = (struct chain_file){ 0 };
	if (!chain_allowed(o))
		return error_set(e, ERR_REFUSED,
			"the image refers to %.512s; --allow-parent permits the files in the "
			"image's folder, --allow-parent=DIR those in DIR",
			r->path);
	if (o->parent && !r->data)
		return named_open(o, r, out, e);
	rc = unopened(lookup_open(o->path, o->allow_dir, r->path, r->windows, &l, e), e);
	if (rc)
		return rc;
	rc = found_open(o, r, &l, out, e);
	lookup_close(&l);
	return rc;
}

int chain_extent(const struct chain_file *below, uint64_t off, uint64_t length, struct extent *out,
	struct error *e)
{
	int rc;

	if (!below || !below->disk || off >= below->disk->size) {
		*out = (struct extent){ .length = length, .zero = true };
		return 0;
	}
	rc = disk_extent(below->disk, off, out, e);
	if (rc)
		return rc;
	out->length = min_u64(out->length, length);
	out->depth++;
	if (out->plain && !out->file)
		out->file = below->path;
	return 0;
}

int chain_read(const struct chain_file *below, uint64_t off, void *buf, size_t len, struct error *e)
{
	uint64_t size = below && below->disk ? below->disk->size : 0;
	size_t have = off < size ? (size_t)min_u64(len, size - off) : 0;
	int rc;

	memset((uint8_t *)buf + have, 0, len - have);
	if (!have)
		return 0;
	rc = disk_read(below->disk, off, buf, have, e);
	/* Whichever file of the chain it was, it is named once. */
	if (rc && e && below->path && e->text[0] != '/')
		error_prefix(e, "%s", below->path);
	return rc;
}
