/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Glance is to be told of an image, for each target that was asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/properties.h"
#include "job/package_private.h"

static int body_make(struct packing *p, const char *name, json_t **out, struct error *e)
{
	const struct image_facts facts = {
		.name = name,
		.format = p->format,
		.subformat = p->info.subformat,
		.virtual_size = p->disk->size,
		.block_size = p->info.block_size,
		.log_size = p->info.log_size,
		.logical_sector = p->disk->logical_sector,
		.guest = guest_image_guest(p->guest),
		.target = p->target,
		.firmware = p->firmware,
		.properties = &p->job->properties,
	};

	return image_properties(&facts, out, e);
}

/* `asked`: as the user called the target; NULL: there is no other. */
static int image_add(struct packing *p, const char *name, const char *asked, struct error *e)
{
	struct package_result *r = p->result;
	struct package_image *image = realloc(r->image, (r->image_count + 1) * sizeof(*image));
	int rc;

	if (!image)
		return error_nomem(e, "a description");
	r->image = image;
	image += r->image_count;
	*image = (struct package_image){ .target = p->target };
	if (asprintf(&image->file, "image%s%s.json", asked ? "-" : "", asked ? asked : "") < 0)
		return error_nomem(e, "a description");
	rc = body_make(p, name, &image->body, e);
	if (rc)
		free(image->file);
	else
		r->image_count++;
	return rc;
}

/* The targets from `at` that one word asked for: a target, or all of a family. */
static struct target_list group_at(const struct target_list *all, size_t at)
{
	const struct target *first = &all->target[at];
	struct target_list group = { .target = &all->target[at], .count = 1 };

	while (first->by_family && at + group.count < all->count &&
		all->target[at + group.count].by_family &&
		!strcmp(all->target[at + group.count].family, first->family))
		group.count++;
	return group;
}

static int describe_named(
	struct packing *p, const struct target_list *all, const char *name, struct error *e)
{
	int rc = 0;

	for (size_t at = 0; !rc && at < all->count;) {
		const struct target_list group = group_at(all, at);
		const struct target *first = group.target;
		const char *asked = first->by_family ? first->family : first->name;

		rc = package_target_choose(p, &group, e);
		if (!rc)
			rc = image_add(p, name, group.count < all->count ? asked : NULL, e);
		at += group.count;
	}
	return rc;
}

int package_describe(struct packing *p, struct error *e)
{
	const struct target_list *named = p->job->targets;
	char *name = p->job->name ? strdup(p->job->name) : package_stem(p);
	int rc;

	if (!name)
		return error_nomem(e, "the image's name");
	if (named && named->count) {
		rc = describe_named(p, named, name, e);
	} else {
		rc = package_target_choose(p, NULL, e);
		if (!rc)
			rc = image_add(p, name, NULL, e);
	}
	free(name);
	if (rc)
		return error_prefix(e, "%s", p->job->source);
	if (!strcmp(p->format->glance_name, "vhd") && p->info.subformat &&
		!strcmp(p->info.subformat, "fixed"))
		return package_note(p, "glance-fixed-vhd",
			"Glance 30 and later takes no fixed VHD for a vhd and refuses the upload",
			"convert it to a dynamic VHD or to VHDX", e);
	return 0;
}
