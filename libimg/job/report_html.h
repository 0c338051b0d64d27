/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_REPORT_HTML_H
#define LIBIMG_JOB_REPORT_HTML_H

#include <jansson.h>

#include "base/buffer.h"
#include "job/map_svg.h"

/* What a build did, as a page for people. */

struct report_html {
	const json_t *plan, *edits; /* as in build_result */
	/*
	 * {"guest": name or null, "architecture": likewise, "volumes": [{"id","type","filesystem",
	 * "label","use","offset","size"}], "before": {TARGET: {"title","family","ready","fixable",
	 * "evidence","findings"}}, "after": likewise, "notes": [finding],
	 * "descriptions": {file: what Glance is told}}.
	 */
	const json_t *state;
	const struct map_picture *map; /* of the edited disk; MAP_HOLE and MAP_DATA */
	const char *style; /* CSS */
};

/*
 * Appends one HTML document.  It depends on what is given alone, has no script and asks for
 * nothing else; a policy in it (CSP 3) keeps browsers from running or loading anything, whatever
 * the texts say.  ERR_UNSUPPORTED for a style that would end its element.
 */
int report_html_write(const struct report_html *r, struct buffer *out, struct error *e);

#endif
