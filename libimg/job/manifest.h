/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_MANIFEST_H
#define LIBIMG_JOB_MANIFEST_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/journal.h"
#include "base/strings.h"

/*
 * What was changed, as JSON:
 * {"schema":1,"targets":[...],"edits":[{"action","volume","path","why","before","after"}]} where
 * before and after are null or {"mode","uid","gid","size","sha256"}.  The caller decrefs.
 */
int manifest_json(
	const struct journal *j, const struct strings *targets, json_t **out, struct error *e);

/* Appends the document as it is put into files: indented, ending in a newline. */
int json_text(const json_t *json, struct buffer *out, struct error *e);

#endif
