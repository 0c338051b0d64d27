/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is told of what a conversion left out. */
#include "tools/conversion.h"
#include "tools/text.h"

void dropped_json(const struct dropped *d, json_t **o)
{
	json_t *volumes = json_array();

	for (size_t i = 0; i < d->count; i++) {
		const struct dropped_volume *v = &d->volume[i];

		json_add(&volumes,
			json_pack("{s:s,s:s?,s:o}", "id", v->id, "filesystem", v->filesystem,
				"dropped", number_json(v->dropped)));
	}
	json_put(o, "volumes", volumes);
	json_put(o, "findings", report_json(&d->findings));
}

void say_dropped(const struct dropped *d)
{
	for (size_t i = 0; i < d->count; i++) {
		char size[SIZE_TEXT];

		if (!d->volume[i].dropped)
			continue;
		size_text(d->volume[i].dropped, size);
		say_note("volume %s: %s left out", d->volume[i].id, size);
	}
	for (size_t i = 0; i < d->findings.count; i++)
		say_note("%s", d->findings.finding[i].text);
}
