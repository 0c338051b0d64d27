/* SPDX-License-Identifier: GPL-3.0-or-later */
/* driver-dump ARCH MAJOR.MINOR.BUILD PRODUCT [-u] [-d DEVICE]... PATH...: what is taken of the
 * paths for that Windows, -u: unsigned too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "guest/driver_package.h"

static struct error e;

static void show(const struct driver_package *p)
{
	char hex[DIGEST_HEX_MAX];

	printf("package %s\n  %s in \"%s\"%s%s%s\n", p->origin, p->inf_name, p->directory,
		p->cataloged ? " cataloged" : "", p->embedded ? " embedded" : "",
		p->exact ? " exact" : "");
	for (size_t i = 0; i < p->file_count; i++) {
		if (digest_bytes("sha256", p->file[i].bytes.data, p->file[i].bytes.len, hex, &e))
			exit(1);
		printf("  %s %zu %s\n", p->file[i].path, p->file[i].bytes.len, hex);
	}
}

int main(int argc, char **argv)
{
	struct strings devices = { 0 }, paths = { 0 };
	struct driver_wish wish = { .devices = &devices, .platform = { .lcid = 0x409 } };
	struct driver_packages out;
	struct inf_platform *p = &wish.platform;
	int at = 4, rc;

	if (argc < 5 || sscanf(argv[2], "%u.%u.%u", &p->major, &p->minor, &p->build) != 3)
		return 2;
	while (p->arch < INF_ARM64 && strcmp(argv[1], inf_arch_name(p->arch)))
		p->arch++;
	p->product = (uint8_t)atoi(argv[3]);
	for (; at < argc && *argv[at] == '-'; at++) {
		if (!strcmp(argv[at], "-u"))
			wish.allow_unsigned = true;
		else
			strings_add(&devices, argv[++at], NULL);
	}
	while (at < argc)
		strings_add(&paths, argv[at++], NULL);
	rc = driver_packages_load(&paths, &wish, &out, &e);
	strings_free(&paths);
	strings_free(&devices);
	if (rc) {
		printf("error %d %s\n", e.code, e.text);
		return 1;
	}
	for (size_t i = 0; i < out.count; i++)
		show(&out.package[i]);
	for (size_t i = 0; i < out.servicing_count; i++)
		printf("servicing %s %s %zu\n", out.servicing[i].origin, out.servicing[i].name,
			out.servicing[i].bytes.len);
	for (size_t i = 0; i < out.passed_over.count; i++)
		printf("passed over %s\n", out.passed_over.item[i]);
	driver_packages_free(&out);
	return 0;
}
