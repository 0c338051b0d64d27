/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packages of Windows itself in cabinets ("component based servicing"), such as the integration
 * services: whether one is for a Windows, by its name and its update.mum.
 */
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xml.h"
#include "guest/archive_walk.h"
#include "guest/driver_private.h"
#include "guest/inf_private.h"

enum { MANIFEST_MAX = 4 << 20, SERVICING_MAX = 512 << 20, COUNT_MAX = 64 };

/* What a package says that it is for. */
struct servicing {
	bool has_version, any_minor; /* "Windows6.x" */
	unsigned major, minor;
	char arch[16]; /* lower case, "" where it is not said */
};

static void name_read(const char *name, struct servicing *out)
{
	static const char *const architectures[][2] = { { "-x86", "x86" }, { "-x64", "amd64" },
		{ "-amd64", "amd64" }, { "-arm64", "arm64" } };
	char minor[3] = "";

	if (sscanf(name, "%*[Ww]indows%3u.%2[0-9xX]", &out->major, minor) == 2) {
		out->has_version = true;
		out->any_minor = !strcasecmp(minor, "x");
		out->minor = (unsigned)strtoul(minor, NULL, 10);
	}
	for (size_t i = 0; i < sizeof(architectures) / sizeof(*architectures); i++)
		if (strcasestr(name, architectures[i][0]))
			snprintf(out->arch, sizeof(out->arch), "%s", architectures[i][1]);
}

static int identity_read(const xmlNode *assembly, struct servicing *out, struct error *e)
{
	const xmlNode *identity = xml_first(assembly, "assemblyIdentity");
	char *arch = NULL;
	int rc = identity ? xml_attribute(identity, "processorArchitecture", &arch, e) : 0;

	if (!rc && arch &&
		(!strcasecmp(arch, "x86") || !strcasecmp(arch, "amd64") ||
			!strcasecmp(arch, "arm64"))) {
		snprintf(out->arch, sizeof(out->arch), "%s", arch);
		inf_lower(out->arch);
	}
	free(arch);
	return rc;
}

/* Its package/parent/assemblyIdentity is a part of the Windows that it is for. */
static int parent_read(const xmlNode *assembly, struct servicing *out, struct error *e)
{
	const xmlNode *at = xml_first(assembly, "package");
	char *version = NULL;
	int rc;

	at = at ? xml_first(at, "parent") : NULL;
	at = at ? xml_first(at, "assemblyIdentity") : NULL;
	rc = at && !out->has_version ? xml_attribute(at, "version", &version, e) : 0;
	if (!rc && version && sscanf(version, "%3u.%3u", &out->major, &out->minor) == 2)
		out->has_version = true;
	free(version);
	return rc;
}

/* No network, no external entity. */
static int manifest_read(const struct buffer *bytes, struct servicing *out, struct error *e)
{
	xmlDoc *doc = xmlReadMemory((const char *)bytes->data, (int)bytes->len, "update.mum", NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	const xmlNode *root = doc && !doc->intSubset ? xmlDocGetRootElement(doc) : NULL;
	int rc = root ? identity_read(root, out, e)
		      : error_set(e, ERR_CORRUPT, "its update.mum is no XML of a package");

	if (!rc)
		rc = parent_read(root, out, e);
	xmlFreeDoc(doc);
	return rc;
}

struct manifest {
	struct buffer bytes;
};

static int manifest_visit(void *arg, struct archive_file *f, struct error *e)
{
	struct manifest *m = arg;

	return !strcasecmp(f->path, "update.mum") && !m->bytes.len
		? archive_file_read(f, MANIFEST_MAX, &m->bytes, e)
		: 0;
}

static int cabinet_read(
	const struct buffer *cab, const char *origin, struct servicing *out, struct error *e)
{
	const struct archive_file file = { .source = origin };
	struct archive_count count = { 0 };
	struct manifest m = { 0 };
	const struct archive_visitor visitor = { manifest_visit, &m, &count };
	int rc = archive_walk_bytes(cab, &file, ARCHIVE_CAB, &visitor, e);

	if (!rc && m.bytes.len)
		rc = manifest_read(&m.bytes, out, e);
	buffer_free(&m.bytes);
	return rc;
}

/* Of the integration services, Windows6.x are for Vista and 7 and their servers, 6.2 for 8 and
 * Server 2012; later ones are kept up to date otherwise. */
static bool is_for(const struct servicing *s, const struct inf_platform *p)
{
	const bool version = s->any_minor ? s->major == p->major && p->minor <= 1
					  : s->major == p->major && s->minor == p->minor;

	return s->has_version && version && !strcmp(s->arch, inf_arch_name(p->arch));
}

static int servicing_keep(struct driver_load *l, const char *origin, const char *name,
	struct buffer *bytes, struct error *e)
{
	struct driver_packages *out = l->out;
	struct servicing_package *s;
	int rc = inf_grow((void **)&out->servicing, out->servicing_count, sizeof(*s), e);

	l->held += bytes->len;
	if (!rc && (out->servicing_count == COUNT_MAX || l->held > DRIVER_FILES_MAX))
		rc = error_set(e, ERR_RANGE,
			"more packages than %d, or drivers of more than %d bytes", COUNT_MAX,
			DRIVER_FILES_MAX);
	if (rc)
		return rc;
	s = &out->servicing[out->servicing_count++];
	*s = (struct servicing_package){ strdup(origin), strdup(name), *bytes };
	*bytes = (struct buffer){ 0 };
	return s->origin && s->name ? 0 : error_nomem(e, "a package");
}

static int misfit(const struct servicing *s, char **why, struct error *e)
{
	struct buffer text = { 0 };
	int rc;

	if (!s->has_version)
		rc = buffer_string(&text, "a package of a Windows that it does not name", e);
	else
		rc = buffer_format(&text, e, "for %s Windows %u.%.*u%s",
			*s->arch ? s->arch : "unknown", s->major, s->any_minor ? 0 : 1,
			s->any_minor ? 0 : s->minor, s->any_minor ? "x, up to 6.1" : "");
	if (!rc)
		rc = inf_copy(why, buffer_text(&text), e);
	buffer_free(&text);
	return rc;
}

int driver_servicing_add(struct driver_load *l, const char *origin, struct medium_file *f,
	char **why, struct error *e)
{
	const char *slash = strrchr(f->path, '/'), *name = slash ? slash + 1 : f->path;
	struct servicing s = { 0 };
	struct buffer bytes = { 0 };
	int rc = medium_file_read(f, SERVICING_MAX, &bytes, e);

	name_read(name, &s);
	if (!rc)
		rc = cabinet_read(&bytes, origin, &s, e);
	if (rc)
		error_prefix(e, "%s", origin);
	else if (is_for(&s, &l->wish->platform))
		rc = servicing_keep(l, origin, name, &bytes, e);
	else
		rc = misfit(&s, why, e);
	buffer_free(&bytes);
	return rc;
}
