/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inf-dump FILE ARCH MAJOR.MINOR.BUILD PRODUCT: what an INF says for that Windows, a fact a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/inf.h"

static struct error e;

static void show_regs(const char *what, const struct inf_regs *regs)
{
	for (size_t i = 0; i < regs->count; i++) {
		const struct inf_reg *r = &regs->reg[i];

		printf("%s %s|%s|%s|0x%x|%u|", what, r->root, r->key, r->name, r->flags, r->type);
		for (size_t b = 0; b < r->len; b++)
			printf("%02x", r->data[b]);
		putchar('\n');
	}
}

static void show_list(const char *what, const struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		printf("%s %s\n", what, list->item[i]);
}

static void show_service(const struct inf_service *s)
{
	printf("service %s function=%d type=%u start=%u error=%u binary=%u:%s/%s group=%s "
	       "display=%s\n",
		s->name, s->function, s->type, s->start, s->error, s->binary_dirid,
		s->binary_subdirectory, s->binary, s->group ? s->group : "-",
		s->display ? s->display : "-");
	show_list("depends", &s->dependencies);
	show_regs("service-reg", &s->registry);
}

static void show_device(const struct inf_device *d)
{
	printf("device %s section=%s token=%s maker=%s score=%02x\n", d->description, d->section,
		d->description_token ? d->description_token : "-", d->manufacturer,
		d->feature_score);
	for (size_t i = 0; i < d->ids.count; i++)
		printf("%s %s\n", i || d->compatible_only ? "compatible" : "id", d->ids.item[i]);
	for (size_t i = 0; i < d->file_count; i++)
		printf("file %u:%s/%s from %s\n", d->file[i].dirid, d->file[i].subdirectory,
			d->file[i].name, d->file[i].source);
	for (size_t i = 0; i < d->service_count; i++)
		show_service(&d->service[i]);
	show_regs("driver-reg", &d->registry);
	show_regs("device-reg", &d->hardware);
	show_list("upper", &d->upper_filters);
	show_list("lower", &d->lower_filters);
}

static void show(const struct inf *inf)
{
	printf("class %s %s\nprovider %s\ncatalog %s\nversion %u.%u.%u.%u %04u-%02u-%02u\n",
		inf->class_name, inf->class_guid ? inf->class_guid : "-", inf->provider,
		inf->catalog ? inf->catalog : "-", inf->version[0], inf->version[1],
		inf->version[2], inf->version[3], inf->year, inf->month, inf->day);
	show_list("include", &inf->included);
	show_list("source", &inf->sources);
	for (size_t i = 0; i < inf->device_count; i++)
		show_device(&inf->device[i]);
}

int main(int argc, char **argv)
{
	static uint8_t bytes[INF_LIMIT + 1];
	struct inf_platform p = { .lcid = 0x409 };
	struct inf inf;
	FILE *f = argc == 5 ? fopen(argv[1], "rb") : NULL;
	size_t len;

	if (!f || sscanf(argv[3], "%u.%u.%u", &p.major, &p.minor, &p.build) != 3)
		return 2;
	p.product = (uint8_t)atoi(argv[4]);
	while (p.arch < INF_ARM64 && strcmp(argv[2], inf_arch_name(p.arch)))
		p.arch++;
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	if (inf_parse(bytes, len, &p, &inf, &e)) {
		printf("error %d %s\n", e.code, e.text);
		return 1;
	}
	show(&inf);
	inf_free(&inf);
	return 0;
}
