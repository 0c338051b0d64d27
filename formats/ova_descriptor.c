/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which member an OVF descriptor says is the disk (DSP0243: 7.1 References, 9.1 DiskSection). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/xml.h"
#include "formats/ova.h"

enum { ELEMENTS_MAX = 4096 };

/* An attribute by its name, whatever its namespace: writers differ in whether it has one.  NULL:
 * none; freed with xmlFree. */
static xmlChar *attribute(xmlNode *node, const char *name)
{
	for (xmlAttr *a = node->properties; a; a = a->next) {
		const char *own = (const char *)a->name;
		const char *colon = strrchr(own, ':');

		if (!strcmp(colon ? colon + 1 : own, name))
			return xmlNodeListGetString(node->doc, a->children, 1);
	}
	return NULL;
}

static bool attribute_is(xmlNode *node, const char *name, const char *value)
{
	xmlChar *text = attribute(node, name);
	bool same = text && !strcmp((const char *)text, value);

	xmlFree(text);
	return same;
}

static xmlNode *file_by_id(const xmlNode *envelope, const char *id)
{
	const xmlNode *references = xml_first(envelope, "References");
	xmlNode *file = references ? xml_first(references, "File") : NULL;

	for (size_t i = 0; file && i < ELEMENTS_MAX; i++, file = xml_next(file, "File"))
		if (attribute_is(file, "id", id))
			return file;
	return NULL;
}

static bool is_set(xmlNode *node, const char *name)
{
	xmlChar *text = attribute(node, name);
	bool set = text && *text && strcmp((const char *)text, "identity") != 0;

	xmlFree(text);
	return set;
}

static int href_take(xmlNode *file, struct buffer *out, struct error *e)
{
	xmlChar *href = attribute(file, "href");
	int rc;

	if (!href || !*href)
		rc = error_set(e, ERR_CORRUPT, "a File has no href");
	else
		rc = buffer_string(out, (const char *)href, e);
	xmlFree(href);
	if (!rc && is_set(file, "compression"))
		rc = error_set(e, ERR_UNSUPPORTED,
			"%s is compressed in the archive: unpack it first", buffer_text(out));
	if (!rc && is_set(file, "chunkSize"))
		rc = error_set(e, ERR_UNSUPPORTED,
			"%s is split in the archive: join its parts first", buffer_text(out));
	return rc;
}

/* The name of a disk's file; empty when the disk has none, as one that is to be made empty. */
static int disk_file(const xmlNode *envelope, xmlNode *disk, struct buffer *href, struct error *e)
{
	xmlChar *id = attribute(disk, "fileRef");
	xmlNode *file = id ? file_by_id(envelope, (const char *)id) : NULL;
	int rc = 0;

	if (id && !file)
		rc = error_set(
			e, ERR_CORRUPT, "a Disk's fileRef \"%.64s\" is no File", (const char *)id);
	xmlFree(id);
	if (!file)
		return rc;
	if (is_set(disk, "parentRef"))
		return error_set(e, ERR_UNSUPPORTED,
			"a Disk has a parent: unpack the archive and use its files");
	return href_take(file, href, e);
}

/* Names of all disks' files, none twice. */
static int disks_collect(const xmlNode *envelope, struct strings *names, struct error *e)
{
	const xmlNode *section = xml_first(envelope, "DiskSection");
	/* What OVF 0.9 calls it. */
	const xmlNode *from = section ? section : xml_first(envelope, "Section");
	xmlNode *disk = from ? xml_first(from, "Disk") : NULL;
	int rc = 0;

	for (size_t i = 0; !rc && disk; i++, disk = xml_next(disk, "Disk")) {
		struct buffer href = { 0 };

		if (i == ELEMENTS_MAX)
			return error_set(e, ERR_RANGE, "more than %d disks", ELEMENTS_MAX);
		rc = disk_file(envelope, disk, &href, e);
		if (!rc && href.len)
			rc = strings_add_new(names, buffer_text(&href), e);
		buffer_free(&href);
	}
	return rc;
}

static int disk_choose(const struct ova_members *m, const struct strings *names,
	const struct ova_member **out, struct error *e)
{
	struct buffer list = { 0 };
	int rc = 0;

	if (!names->count)
		return error_set(e, ERR_UNSUPPORTED, "describes no disk that comes with a file");
	if (names->count > 1) {
		for (size_t i = 0; !rc && i < names->count; i++)
			rc = buffer_format(&list, e, "%s%s", i ? ", " : "", names->item[i]);
		if (!rc)
			rc = error_set(e, ERR_UNSUPPORTED,
				"describes %zu disks: %.700s; unpack the one that is wanted with "
				"tar",
				names->count, buffer_text(&list));
		buffer_free(&list);
		return rc;
	}
	*out = ova_member_named(m, names->item[0]);
	if (!*out)
		return error_set(
			e, ERR_CORRUPT, "its disk %.256s is not in the archive", names->item[0]);
	return 0;
}

int ova_disk_find(struct disk *file, const struct ova_members *m, const struct ova_member **out,
	struct error *e)
{
	const struct ova_member *descriptor = &m->member[0];
	struct strings names = { 0 };
	struct buffer text = { 0 };
	xmlDoc *doc = NULL;
	const xmlNode *root;
	int rc = ova_member_text(file, descriptor, &text, e);

	if (!rc)
		rc = xml_parse(descriptor->name, text.data, text.len, &doc, e);
	buffer_free(&text);
	if (rc)
		return rc;
	root = xmlDocGetRootElement(doc);
	if (!xml_is(root, "Envelope"))
		rc = error_set(e, ERR_CORRUPT, "is no OVF descriptor, but a \"%.64s\"",
			(const char *)root->name);
	if (!rc)
		rc = disks_collect(root, &names, e);
	if (!rc)
		rc = disk_choose(m, &names, out, e);
	strings_free(&names);
	xmlFreeDoc(doc);
	return rc ? error_prefix(e, "%s", descriptor->name) : 0;
}
