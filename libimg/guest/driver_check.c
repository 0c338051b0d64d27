/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether Windows can load what a package has: its processor, and that it is signed. */
#include <string.h>
#include <strings.h>

#include "guest/driver_catalog.h"
#include "guest/driver_private.h"

struct check {
	struct driver_package *package;
	const struct driver_wish *wish;
	struct driver_catalog catalog;
	bool has_catalog;
	size_t binaries, listed, embedded;
	struct buffer problem; /* what is wrong with the catalogue */
};

static int bytes_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct buffer *b = arg;

	(void)e;
	memcpy(buf, b->data + off, len);
	return 0;
}

static const char *machine_name(uint16_t machine)
{
	switch (machine) {
	case PE_MACHINE_I386:
		return "x86";
	case PE_MACHINE_X86_64:
		return "amd64";
	case PE_MACHINE_ARM64:
		return "arm64";
	default:
		return "another processor";
	}
}

static bool is_binary(const char *path)
{
	const size_t len = strlen(path);

	return len > 4 && !strcasecmp(path + len - 4, ".sys");
}

static int listed_check(struct check *c, const char *name, const struct buffer *bytes,
	const struct pe *pe, bool *answer, struct error *e)
{
	int rc = driver_catalog_has(&c->catalog, bytes, pe, answer, e);

	if (rc || *answer || c->problem.len)
		return rc;
	return buffer_format(&c->problem, e, "its catalogue %s does not list %s as it is here",
		c->package->inf.catalog, name);
}

static int binary_check(struct check *c, const struct driver_file *f, struct error *e)
{
	const struct initramfs_source source = { f->bytes.len, bytes_read,
		(void *)(uintptr_t)&f->bytes };
	const char *arch = inf_arch_name(c->wish->platform.arch);
	struct error why = { 0 };
	bool listed = false;
	struct pe pe;
	int rc = pe_read(&source, &pe, &why);

	if (rc && error_of_host(&why, e))
		return rc;
	if (rc)
		return error_set(e, ERR_NOTREADY, "%s: %s is no driver: %s", c->package->origin,
			f->path, why.text);
	if (strcmp(machine_name(pe.machine), arch))
		rc = error_set(e, ERR_NOTREADY, "%s: %s is for %s (machine 0x%x), not for %s",
			c->package->origin, f->path, machine_name(pe.machine), pe.machine, arch);
	c->binaries++;
	c->embedded += pe.certificate_size > 0;
	if (!rc && c->has_catalog)
		rc = listed_check(c, f->path, &f->bytes, &pe, &listed, e);
	c->listed += listed;
	pe_free(&pe);
	return rc;
}

/* Only what is copied: for another processor there may be more. */
static bool is_copied(const struct driver_package *p, const char *path)
{
	for (size_t i = 0; i < p->inf.device_count; i++)
		for (size_t k = 0; k < p->inf.device[i].file_count; k++)
			if (!strcasecmp(p->inf.device[i].file[k].source, path))
				return true;
	return false;
}

static int catalog_open(struct check *c, struct error *e)
{
	const char *name = c->package->inf.catalog;
	const struct driver_file *f = name ? driver_file_find(c->package, name) : NULL;
	struct error why = { 0 };
	int rc;

	if (!name)
		return buffer_string(&c->problem, "its INF names no catalogue", e);
	if (!f)
		return buffer_format(&c->problem, e, "its catalogue %s is not there", name);
	rc = driver_catalog_read(&f->bytes, &c->catalog, &why);
	if (rc && error_of_host(&why, e))
		return rc;
	c->has_catalog = !rc;
	return rc ? buffer_format(&c->problem, e, "its catalogue %s: %s", name, why.text) : 0;
}

static int files_check(struct check *c, struct error *e)
{
	struct driver_package *p = c->package;
	bool inf_listed = false;
	int rc = 0;

	for (size_t i = 0; !rc && i < p->file_count; i++)
		if (is_binary(p->file[i].path) && is_copied(p, p->file[i].path))
			rc = binary_check(c, &p->file[i], e);
	if (!rc && c->has_catalog)
		rc = listed_check(c, p->inf_name, &p->inf_bytes, NULL, &inf_listed, e);
	p->cataloged = inf_listed && c->listed == c->binaries;
	p->embedded = c->binaries && c->embedded == c->binaries;
	return rc;
}

int driver_check(struct driver_package *p, const struct driver_wish *wish, struct error *e)
{
	struct check c = { .package = p, .wish = wish };
	int rc = catalog_open(&c, e);

	if (!rc)
		rc = files_check(&c, e);
	if (!rc && !p->cataloged && !p->embedded && !wish->allow_unsigned)
		rc = error_set(e, ERR_REFUSED,
			"%s is not signed: %s, and %s; 64-bit Windows loads no such driver unless "
			"told to.  Use the vendor's release; --allow-unsigned takes it as it is",
			p->origin, buffer_text(&c.problem),
			c.binaries ? "not all its drivers have a signature in them"
				   : "it has no driver with a signature in it");
	driver_catalog_free(&c.catalog);
	buffer_free(&c.problem);
	return rc;
}
